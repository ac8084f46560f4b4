"""psycopg's pool: its workers belong to the loop that opened it; from another loop it waits in
vain for a worker that does not run, until the pool's own timeout."""

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER


class PsycopgPoolProbe:
    name = "psycopg_pool"
    modules = ("psycopg_pool.pool_async",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        pool = module.AsyncConnectionPool
        patch.after(pool, "__init__", self._built)
        patch.use(pool, "_open")
        patch.use(pool, "getconn")
        patch.closes(pool, "close")

    @staticmethod
    def _built(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.built(
            pool,
            "psycopg_pool",
            "psycopg pool",
            frame,
            type_name=f"psycopg_pool.{peek.class_of(pool)[1]}",
            is_closed=lambda pool: peek.attribute(pool, "_closed") is True,
        )

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        workers = peek.attribute(obj, "_workers")
        if not module.startswith("psycopg_pool.") or workers is None:
            return None
        tasks = peek.items(workers)
        loops = peek.distinct(peek.loop_in(task, "_loop") for task in tasks)
        return Reading(f"psycopg {kind}", loops, (f"{len(tasks)} worker tasks",))


PROBE = PsycopgPoolProbe()
