"""asyncpg: a connection belongs to the loop it was opened on; a pool to the one it was made on."""

from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER


class AsyncpgProbe:
    name = "asyncpg"
    modules = ("asyncpg.connection", "asyncpg.pool", "asyncpg.prepared_stmt")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        if module.__name__ == "asyncpg.connection":
            patch.after(module.Connection, "__init__", _built("connection", "_aborted"))
            patch.use(module.Connection, "_check_open")
            patch.closes(module.Connection, "_cleanup")
        elif module.__name__ == "asyncpg.prepared_stmt":
            # A statement prepared earlier runs without asking its connection.
            patch.use(module.PreparedStatement, "_check_open", self._connection)
        else:
            patch.after(module.Pool, "__init__", _built("pool", "_closed"))
            patch.use(module.Pool, "_acquire")
            patch.closes(module.Pool, "close", "terminate")

    @staticmethod
    def _connection(statement: Any, *args: Any) -> Any:
        return peek.attribute(statement, "_connection")

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith("asyncpg."):
            return None
        path = ("_con", "_loop") if kind == "PoolConnectionProxy" else ("_loop",)
        loop = peek.loop_in(obj, *path)
        if len(path) == 2 and loop is not None:
            kind = peek.class_of(peek.attribute(obj, "_con"))[1]
        return None if loop is None else Reading(f"asyncpg {kind}", (loop,), (".".join(path),))


def _built(what: str, closed: str) -> Callable[..., None]:
    """What reports a new object; its slot ``closed`` says when nothing of it is open any more."""
    label, kind = f"asyncpg {what}", f"asyncpg.{what.capitalize()}"

    def is_closed(obj: Any) -> bool:
        return peek.attribute(obj, closed) is True

    def built(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(obj, "asyncpg", label, frame, type_name=kind, is_closed=is_closed)
        loop = peek.loop_in(obj, "_loop")
        if loop is not None:
            TRACKER.bound(live, loop, frame)

    return built


PROBE = AsyncpgProbe()
