"""asyncpg: a connection belongs to the loop it was opened on; a pool to the one it was made on."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.live import LiveObject
from whichloop.observe.probes import Patcher, Reading
from whichloop.observe.tracker import TRACKER

DRIVER = "asyncpg"
LABEL = "asyncpg connection"


class AsyncpgProbe:
    name = "asyncpg"
    modules = ("asyncpg.connection", "asyncpg.pool", "asyncpg.prepared_stmt")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        if module.__name__ == "asyncpg.connection":
            patch.after(module.Connection, "__init__", self._opened)
            patch.use(module.Connection, "_check_open")
            patch.before(module.Connection, "_cleanup", self._gone)
        elif module.__name__ == "asyncpg.prepared_stmt":
            # A statement prepared earlier runs without asking its connection.
            patch.use(module.PreparedStatement, "_check_open", self._connection)
        else:
            patch.after(module.Pool, "__init__", self._pool)
            patch.use(module.Pool, "_acquire")
            patch.before(module.Pool, "close", self._pool_closed)
            patch.before(module.Pool, "terminate", self._pool_closed)

    @staticmethod
    def _opened(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(connection, DRIVER, LABEL, frame, type_name="asyncpg.Connection")
        TRACKER.bound(live, connection._loop, frame)

    @staticmethod
    def _connection(statement: Any, *args: Any) -> Any:
        return statement._connection

    @staticmethod
    def _gone(frame: FrameType, connection: Any) -> None:
        live = TRACKER.find(connection)
        if live is not None:
            live.closed = True

    @staticmethod
    def _pool(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(pool, DRIVER, "asyncpg pool", frame, type_name="asyncpg.Pool")
        TRACKER.bound(live, pool._loop, frame)

    @staticmethod
    def _pool_closed(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        live: LiveObject | None = TRACKER.find(pool)
        if live is not None:
            live.closed = True

    def read(self, obj: Any) -> Reading | None:
        module = type(obj).__module__
        if not module.startswith("asyncpg."):
            return None
        path = ""
        inner = getattr(obj, "_con", None)
        if type(obj).__name__ == "PoolConnectionProxy" and inner is not None:
            obj, path = inner, "_con."
        loop = getattr(obj, "_loop", None)
        if loop is None:
            return None
        kind = type(obj).__name__
        return Reading(f"asyncpg {kind}", (loop,), (f"{path}_loop",))


PROBE = AsyncpgProbe()
