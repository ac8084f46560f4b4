"""SQLAlchemy: an engine never binds; each connection in its pool belongs to the loop that
opened it. Each pooled connection is followed from "connect" to the checkout that finds it on
another loop, which is just before the driver raises."""

import sys
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER

name = "sqlalchemy"
modules = ("sqlalchemy.ext.asyncio.engine",)
LABEL = "pooled connection"
_POOL = "_ConnectionRecord__pool"


def install(module: ModuleType, patch: Patcher) -> None:
    # Imported by the module just imported: these lookups load nothing.
    base = sys.modules["sqlalchemy.pool.base"]
    event: Any = sys.modules["sqlalchemy"].event
    patch.after(module.AsyncEngine, "__init__", _built)
    connected = patch.quiet(_connected)
    event.listen(base.Pool, "connect", connected)
    patch.on_undo(lambda: event.remove(base.Pool, "connect", connected))
    # A checkout, before the pre-ping: the listener for "checkout" comes after it.
    patch.use(base._ConnectionFairy, "__init__", lambda fairy, pool, dbapi, record, echo: record)


def _built(frame: FrameType, engine: Any, sync_engine: Any, *args: Any) -> None:
    # Keyed by the dialect: an AsyncEngine is a proxy made anew on demand, and dispose()
    # replaces the pool, but the dialect is the engine's for life.
    dialect = peek.attribute(sync_engine, "dialect")
    if dialect is not None:
        TRACKER.built(dialect, name, "engine", frame, type_name="AsyncEngine")


def _connected(adapted: Any, record: Any) -> None:
    """A pool has opened a connection, for that record of it."""
    loop = _loop(adapted)
    if loop is None:
        return  # a synchronous driver, or one whose connections keep no loop
    real = peek.attribute(adapted, "_connection")
    driver, kind = peek.class_of(real)
    live = TRACKER.built(
        record,
        name,
        LABEL,
        sys._getframe(1),
        type_name=f"{driver.partition('.')[0]}.{kind}",
        is_closed=lambda record: peek.attribute(record, "dbapi_connection") is None,
        loop=loop,
    )
    # The engine that a pool serves: they share their dialect, also after dispose().
    live.part_of(live.parent or TRACKER.find(peek.attribute(record, _POOL, "_dialect")))
    inner = TRACKER.find(real)
    if inner is not None:
        inner.part_of(live.parent)
        inner.note(label=LABEL, built_at=live.record.built_at, built_by=live.record.built_by)


def _loop(obj: Any, *path: str) -> Any:
    """The loop that a driver's connection keeps, under the names that drivers use, or None;
    ``path`` leads from ``obj`` to what SQLAlchemy wraps it in."""
    real = peek.attribute(obj, *path, "_connection")
    own = peek.loop_in(real, "_loop")
    return peek.loop_in(real, "loop") if own is None else own


def read(obj: Any) -> Reading | None:
    module, kind = peek.class_of(obj)
    if not module.startswith("sqlalchemy."):
        return None
    if kind in WRAPPERS:
        label, path = WRAPPERS[kind]
        return Reading(label, peek.distinct([_loop(obj, *path)]), path)
    return READERS[kind](obj) if kind in READERS else None


def _read_sessionmaker(maker: Any) -> Reading | None:
    options = peek.attribute(maker, "kw")
    return read(dict.get(options, "bind")) if peek.is_a(options, dict) else None


def _read_session(session: Any) -> Reading:
    connections = peek.attribute(session, "sync_session", "_transaction", "_connections")
    entries = [peek.items(entry) for entry in peek.items(connections)]
    loops = peek.distinct(_loop(entry[0], *_LENT) for entry in entries if entry)
    looked_at: tuple[str, ...] = ("the open transaction's connections",)
    engine = None if loops else read(peek.attribute(session, "bind"))
    if engine is not None:
        loops, looked_at = engine.loops, looked_at + engine.looked_at
    return Reading("SQLAlchemy AsyncSession", loops, looked_at)


def _read_engine(engine: Any) -> Reading | None:
    pool = peek.attribute(engine, "sync_engine", "pool")
    if pool is None:
        return None
    queue = peek.attribute(pool, "_pool")
    records = peek.items(peek.attribute(queue, "_queue", "_queue"))
    idle = len(records)
    # Checked-out connections are not in the pool's queue: what the probe followed knows them.
    for live in TRACKER.objects:
        record = live.ref()
        if live.record.label == LABEL and peek.attribute(record, _POOL) is pool:
            records.append(record)
    kind = peek.class_of(pool)[1]
    looked_at = [f"{idle} idle connection{'' if idle == 1 else 's'} in the {kind}"]
    # As QueuePool.checkedout() counts them.
    size, overflow = peek.attribute(queue, "maxsize"), peek.attribute(pool, "_overflow")
    out = size - idle + overflow if type(size) is type(overflow) is int else 0
    if out:
        looked_at.append(f"{out} checked out, seen only if opened while whichloop watched")
    loops = peek.distinct(_loop(record, "dbapi_connection") for record in records)
    return Reading("SQLAlchemy AsyncEngine", loops, tuple(looked_at))


# From a Connection, by way of its pool's proxy.
_LENT = ("_dbapi_connection", "dbapi_connection")
WRAPPERS = {
    "AsyncConnection": ("SQLAlchemy AsyncConnection", ("sync_connection", *_LENT)),
    "_ConnectionRecord": ("SQLAlchemy pooled connection", ("dbapi_connection",)),
}
READERS = {
    "AsyncEngine": _read_engine,
    "AsyncSession": _read_session,
    "AsyncSessionTransaction": _read_session,
    "async_scoped_session": _read_session,
    "async_sessionmaker": _read_sessionmaker,
}
