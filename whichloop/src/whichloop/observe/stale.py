"""Connections left on a closed loop: tomorrow's failure, looked for in strict mode."""

from __future__ import annotations

import gc

from whichloop import messages as catalogue
from whichloop.diagnose.advice import cures_for
from whichloop.diagnose.causes import Case
from whichloop.observe.live import LiveObject
from whichloop.observe.object_table import holder
from whichloop.observe.tracker import TRACKER
from whichloop.records import Finding

# Only what holds a socket is worth failing a passing test for: an idle lock harms nobody.
DRIVERS = ("sqlalchemy", "asyncpg", "redis", "httpx", "aiohttp", "pymongo", "psycopg_pool")


def _stale() -> list[LiveObject]:
    return [
        one
        for one in TRACKER.objects()
        if one.driver in DRIVERS
        and not one.closed
        and one.loop is not None
        and one.loop.closed is not None
        and not _emptied(one)
        and not _reported(one)
    ]


def _emptied(one: LiveObject) -> bool:
    """A pool's record whose connection is gone, or a connection that is closed."""
    obj = one.ref()
    if obj is None:
        return True
    if one.driver == "sqlalchemy":
        return getattr(obj, "dbapi_connection", None) is None
    if one.driver == "redis":
        return getattr(obj, "_reader", None) is None
    closed = getattr(obj, "is_closed", None) or getattr(obj, "closed", None)
    return bool(closed() if callable(closed) else closed)


def _reported(one: LiveObject) -> bool:
    return one.seq in TRACKER.reported


def stale_findings(nodeid: str) -> list[Finding]:
    """A finding for each connection that a closed loop left behind and something keeps.

    What only waits for the garbage collector is not kept by anything: it is collected first.
    """
    if not _stale():
        return []
    gc.collect()
    found: list[Finding] = []
    for one in _stale():
        TRACKER.reported.add(one.seq)
        if one.parent is not None and any(f.object and f.object.part_of for f in found):
            continue
        if one.label == "pooled connection" and one.driver == "asyncpg":
            continue  # its pool's record says the same, with the engine's owner
        one.kept_by = one.kept_by or holder(one)
        record = one.record()
        bound = one.loop.record() if one.loop else None
        case = Case(TRACKER.settings, record, bound, None)
        found.append(
            Finding(
                cause="object outlives its loop",
                sentence=f"{catalogue.CAUSES['object outlives its loop']}; nothing failed yet.",
                sure="sure",
                message=None,
                during=nodeid,
                phase="teardown",
                object=record,
                bound_loop=bound,
                cures=cures_for(case, "object outlives its loop"),
            )
        )
    return found
