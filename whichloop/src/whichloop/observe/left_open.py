"""Connections left on a closed loop: tomorrow's failure, looked for in strict mode."""

import gc

from whichloop.observe.loops import LiveLoop
from whichloop.observe.tracker import TRACKER, LiveObject
from whichloop.records import LoopRecord, ObjectRecord

# Only what holds a socket is worth failing a passing test for: an idle lock harms nobody.
DRIVERS = ("sqlalchemy", "asyncpg", "redis", "httpx", "aiohttp", "pymongo", "psycopg_pool")


def left_open() -> list[tuple[ObjectRecord, LoopRecord]]:
    """Each connection that a closed loop left behind and something keeps, once, with that loop.

    What only waits for the garbage collector is not kept by anything: it is collected first.
    """
    if not _stale():
        return []
    gc.collect()
    left: list[tuple[ObjectRecord, LoopRecord]] = []
    for live, loop in _stale():
        TRACKER.left_open.add(live.record.seq)
        if live.parent is not None and any(record.part_of for record, _ in left):
            continue
        if live.record.label == "pooled connection" and live.record.driver == "asyncpg":
            continue  # its pool's record says the same, with the engine's owner
        TRACKER.find_keeper(live)
        left.append((live.record, loop.record))
    return left


def _stale() -> list[tuple[LiveObject, LiveLoop]]:
    return [
        (live, live.loop)
        for live in TRACKER.objects
        if live.record.driver in DRIVERS
        and not live.record.closed
        and live.record.seq not in TRACKER.left_open
        and live.loop is not None
        and live.loop.record.closed is not None
        and not _is_closed(live)
    ]


def _is_closed(live: LiveObject) -> bool:
    obj = live.ref()
    return obj is None or (live.is_closed is not None and live.is_closed(obj))
