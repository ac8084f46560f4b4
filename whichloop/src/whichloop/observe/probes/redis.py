"""redis.asyncio: a connection's streams belong to the loop that connected them."""

import asyncio
import itertools
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.frames import is_user_file, outward
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject, running_loop

name = "redis"
modules = ("redis.asyncio.connection", "redis.asyncio.client")
LABEL = "redis connection"


def install(module: ModuleType, patch: Patcher) -> None:
    if module.__name__ == "redis.asyncio.client":
        kind = "redis.asyncio.Redis"
        patch.builds(module.Redis, name, "redis client", kind, then=_has_pool)
        return
    patch.builds(module.ConnectionPool, name, "redis pool", "redis.asyncio.ConnectionPool")
    base, kind = module.AbstractConnection, "redis.asyncio.Connection"
    patch.builds(base, name, LABEL, kind, is_closed=_is_closed, then=_made_by_pool)
    for method in ("connect", "send_packed_command", "disconnect"):
        patch.before(base, method, _used)


def _has_pool(frame: FrameType, live: LiveObject, client: Any) -> None:
    pool = TRACKER.find(peek.attribute(client, "connection_pool"))
    if pool is not None and pool.parent is None:
        pool.part_of(live, made_by=False)


def _made_by_pool(frame: FrameType, live: LiveObject, connection: Any) -> None:
    # The pool that makes a connection is a few calls up from the base constructor.
    for caller in itertools.islice(outward(frame), 6):
        # Not of a suite's own: before Python 3.13 a frame keeps the locals that were read.
        if is_user_file(caller.f_code.co_filename):
            return
        maker = TRACKER.find(caller.f_locals.get("self"))
        if maker is not None and maker is not live and maker.record.driver == name:
            live.part_of(maker.parent or maker)
            return


def _is_closed(connection: Any) -> bool:
    return peek.attribute(connection, "_reader") is None


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
        own = peek.loop_in(reader, "_loop")
        if own is not None and own is not loop:
            TRACKER.used(live, frame, own)


def read(obj: Any) -> Reading | None:
    module, kind = peek.class_of(obj)
    if not module.startswith("redis.asyncio"):
        return None
    if "_reader" in peek.attributes(obj):
        return Reading(LABEL, peek.distinct([_loop(obj)]), ("_reader._loop",))
    own = peek.attribute(obj, "connection_pool")
    pool = obj if own is None else own
    held = [
        *peek.items(peek.attribute(pool, "_available_connections")),
        *peek.items(peek.attribute(pool, "_in_use_connections")),
    ]
    looked = f"{len(held)} connection{'' if len(held) == 1 else 's'} in its pool"
    return Reading(f"redis {kind}", peek.distinct(map(_loop, held)), (looked,))


def _loop(connection: Any) -> Any:
    return peek.loop_in(connection, "_reader", "_loop")
