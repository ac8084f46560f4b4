"""Connections left on a closed loop: tomorrow's failure, looked for in strict mode."""

import gc
import sys
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.frames import note_keeper
from whichloop.observe.loops import LiveLoop
from whichloop.observe.tracker import TRACKER, LiveObject
from whichloop.records import LoopRecord, ObjectRecord

# Only what holds a socket is worth failing a passing test for: an idle lock harms nobody.
DRIVERS = ("sqlalchemy", "asyncpg", "redis", "httpx", "aiohttp", "pymongo", "psycopg_pool")
# What is looked at before an object counts as not kept: a closed loop leaves a few hundred.
MAX_REFERRERS = 1_000


def left_open() -> list[tuple[ObjectRecord, LoopRecord]]:
    """Each connection that a closed loop left behind and something keeps, once, with that loop.

    What only waits for the garbage collector is not kept by anything. It is not collected here:
    what its finalizers warn of would come in another test than without whichloop.
    """
    stale, left = _stale(), list[tuple[ObjectRecord, LoopRecord]]()
    TRACKER.left_open |= {live.record.seq for live, _ in stale}
    owners = set[LiveObject | None]()
    if not stale or not _is_kept(*(live.ref() for live, _ in stale)):
        return []
    for live, loop in stale:
        if len(stale) > 1 and not _is_kept(live.ref()):
            continue
        if live.record.label == "pooled connection" and live.record.driver == "asyncpg":
            continue  # its pool's record says the same, with the engine's owner
        if live.parent in owners:
            continue
        owners |= {live.parent} - {None}
        note_keeper(live)
        left.append((live.record, loop.record))
    return left


def _is_kept(*objects: Any) -> bool:
    """Does a module lead to one of them, through whatever refers to it?"""
    roots = {id(vars(module)) for module in sys.modules.values() if type(module) is ModuleType}
    seen = {id(obj): obj for obj in objects}
    around = list(objects)
    while around and len(seen) < MAX_REFERRERS:
        ours = {id(seen), id(around)}
        around = [
            obj
            for obj in gc.get_referrers(*around)
            if id(obj) not in seen and id(obj) not in ours and type(obj) is not FrameType
        ]
        if any(id(obj) in roots for obj in around):
            return True
        seen |= {id(obj): obj for obj in around}
    return False


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
