"""psycopg's asynchronous pool: its workers are tasks of the loop that opened it, so a caller on
another loop waits for a worker that does not run, until the pool's own timeout."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.probes import Patcher, Reading
from whichloop.observe.tracker import TRACKER

DRIVER = "psycopg_pool"
LABEL = "psycopg pool"


class PsycopgPoolProbe:
    name = "psycopg_pool"
    modules = ("psycopg_pool.pool_async",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        pool = module.AsyncConnectionPool
        patch.after(pool, "__init__", self._built)
        patch.use(pool, "_open")
        patch.use(pool, "getconn")
        patch.before(pool, "close", self._closed)

    @staticmethod
    def _built(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        name = f"psycopg_pool.{type(pool).__name__}"
        TRACKER.built(pool, DRIVER, LABEL, frame, type_name=name)

    @staticmethod
    def _closed(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.find(pool)
        if live is not None:
            live.closed = True

    def read(self, obj: Any) -> Reading | None:
        if not type(obj).__module__.startswith("psycopg_pool."):
            return None
        workers = getattr(obj, "_workers", None)
        if workers is None:
            return None
        loops = {id(task.get_loop()): task.get_loop() for task in workers}
        kind = f"psycopg {type(obj).__name__}"
        return Reading(kind, tuple(loops.values()), (f"{len(workers)} worker tasks",))


PROBE = PsycopgPoolProbe()
