"""redis.asyncio: a connection's streams belong to the loop that connected them."""

import asyncio
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject, running_loop

DRIVER = "redis"
LABEL = "redis connection"


def _stream_loop(connection: Any) -> Any:
    return peek.loop_in(connection, "_reader", "_loop")


def _maker(frame: FrameType | None, connection: Any) -> LiveObject | None:
    """The pool that is making a connection, a few calls up from the base constructor."""
    for _ in range(6):
        if frame is None:
            return None
        owner = frame.f_locals.get("self")
        live = TRACKER.find(owner) if owner is not connection else None
        if live is not None and live.record.driver == DRIVER:
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
        pool = TRACKER.find(peek.attribute(client, "connection_pool"))
        if pool is not None and pool.parent is None:
            pool.part_of(live, made_by=False)

    @staticmethod
    def _built(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(
            connection,
            DRIVER,
            LABEL,
            frame,
            type_name="redis.asyncio.Connection",
            is_closed=lambda connection: peek.attribute(connection, "_reader") is None,
        )
        pool = _maker(frame, connection)
        if pool is not None:
            live.part_of(pool.parent or pool)

    @staticmethod
    def _used(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        live, loop = TRACKER.find(connection), running_loop()
        if live is None or loop is None:
            return
        reader = peek.attribute(connection, "_reader")
        if reader is None:
            # Not connected: whatever it is about to open belongs to the loop now running.
            if live.loop is None or live.loop.ref() is not loop:
                TRACKER.bound(live, loop, frame)
        elif peek.is_a(reader, asyncio.StreamReader):
            bound = peek.loop_in(reader, "_loop")
            if bound is not None and bound is not loop:
                TRACKER.holds(live, bound)
                TRACKER.used(live, frame)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith("redis.asyncio"):
            return None
        if "_reader" in peek.attributes(obj):
            return Reading(LABEL, peek.distinct([_stream_loop(obj)]), ("_reader._loop",))
        own = peek.attribute(obj, "connection_pool")
        pool = obj if own is None else own
        held = [
            *peek.items(peek.attribute(pool, "_available_connections")),
            *peek.items(peek.attribute(pool, "_in_use_connections")),
        ]
        looked = f"{len(held)} connection{'' if len(held) == 1 else 's'} in its pool"
        return Reading(f"redis {kind}", peek.distinct(map(_stream_loop, held)), (looked,))


PROBE = RedisProbe()
