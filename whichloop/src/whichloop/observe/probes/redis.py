"""redis.asyncio: a connection's streams belong to the loop that connected them."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.live import LiveObject
from whichloop.observe.loop_table import running_loop
from whichloop.observe.probes import Patcher, Reading
from whichloop.observe.tracker import TRACKER

DRIVER = "redis"
LABEL = "redis connection"


def _stream_loop(connection: Any) -> Any:
    return getattr(getattr(connection, "_reader", None), "_loop", None)


def _maker(frame: FrameType | None, connection: Any) -> LiveObject | None:
    """The pool that is making a connection, a few calls up from the base constructor."""
    for _ in range(6):
        if frame is None:
            return None
        owner = frame.f_locals.get("self")
        live = TRACKER.find(owner) if owner is not connection else None
        if live is not None and live.driver == DRIVER:
            return live
        frame = frame.f_back
    return None


class RedisProbe:
    name = "redis"
    modules = ("redis.asyncio.connection", "redis.asyncio.client")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        if module.__name__ == "redis.asyncio.client":
            patch.after(module.Redis, "__init__", self._client)
            return
        patch.after(module.ConnectionPool, "__init__", self._pool)
        base = module.AbstractConnection
        patch.after(base, "__init__", self._built)
        for name in ("connect", "send_packed_command", "disconnect"):
            patch.before(base, name, self._used)

    @staticmethod
    def _pool(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.built(pool, DRIVER, "redis pool", frame, type_name="redis.asyncio.ConnectionPool")

    @staticmethod
    def _client(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(client, DRIVER, "redis client", frame, type_name="redis.asyncio.Redis")
        pool = TRACKER.find(getattr(client, "connection_pool", None))
        if pool is not None and pool.parent is None:
            pool.parent = live

    @staticmethod
    def _built(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        kind = "redis.asyncio.Connection"
        live = TRACKER.built(connection, DRIVER, LABEL, frame, type_name=kind)
        pool = _maker(frame, connection)
        if pool is not None:
            # The connection is made on demand: whoever built the client owns it.
            live.parent = pool.parent or pool
            live.built_at, live.built_by = live.parent.built_at, live.parent.built_by

    @staticmethod
    def _used(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.find(connection)
        loop = running_loop()
        if live is None or loop is None:
            return
        bound = _stream_loop(connection)
        if bound is None:
            # Not connected: whatever it is about to open belongs to the loop now running.
            if live.loop is None or live.loop.ref() is not loop:
                TRACKER.bound(live, loop, frame)
        elif bound is not loop:
            live.loop = TRACKER.loop(bound)
            TRACKER.used(live, frame)

    def read(self, obj: Any) -> Reading | None:
        if not type(obj).__module__.startswith("redis.asyncio"):
            return None
        if hasattr(obj, "_reader"):
            loop = _stream_loop(obj)
            looked_at = ("_reader._loop",)
            return Reading(LABEL, (loop,) if loop is not None else (), looked_at)
        pool = getattr(obj, "connection_pool", obj)
        held = [
            *getattr(pool, "_available_connections", ()),
            *getattr(pool, "_in_use_connections", ()),
        ]
        loops: list[Any] = []
        for connection in held:
            loop = _stream_loop(connection)
            if loop is not None and loop not in loops:
                loops.append(loop)
        looked = (f"{len(held)} connection{'' if len(held) == 1 else 's'} in its pool",)
        return Reading(f"redis {type(obj).__name__}", tuple(loops), looked)


PROBE = RedisProbe()
