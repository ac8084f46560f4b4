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

DRIVER = "sqlalchemy"
LABEL = "pooled connection"
_POOL = "_ConnectionRecord__pool"


def loop_of_connection(adapted: Any) -> Any:
    """The loop a driver's connection keeps, under the names that drivers use; or None."""
    real = peek.attribute(adapted, "_connection")
    own = peek.loop_in(real, "_loop")
    return peek.loop_in(real, "loop") if own is None else own


def _loop_of_fairy(connection: Any) -> Any:
    """The same for a Connection, which holds a pool's proxy of the driver's."""
    return loop_of_connection(peek.attribute(connection, "_dbapi_connection", "dbapi_connection"))


class SQLAlchemyProbe:
    name = "sqlalchemy"
    modules = ("sqlalchemy.ext.asyncio.engine",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        # Imported by the module just imported: these lookups load nothing.
        base = sys.modules["sqlalchemy.pool.base"]
        event: Any = sys.modules["sqlalchemy"].event
        patch.after(module.AsyncEngine, "__init__", self._built)
        event.listen(base.Pool, "connect", self._connected)
        patch.on_undo(lambda: event.remove(base.Pool, "connect", self._connected))
        # A checkout, before the pre-ping: the listener for "checkout" comes after it.
        patch.use(base._ConnectionFairy, "__init__", self._record)

    @staticmethod
    def _built(frame: FrameType, engine: Any, sync_engine: Any, *args: Any) -> None:
        # Keyed by the dialect: an AsyncEngine is a proxy made anew on demand, and dispose()
        # replaces the pool, but the dialect is the engine's for life.
        dialect = peek.attribute(sync_engine, "dialect")
        if dialect is not None:
            TRACKER.built(dialect, DRIVER, "engine", frame, type_name="AsyncEngine")

    @staticmethod
    def _connected(adapted: Any, record: Any) -> None:
        if SQLAlchemyProbe.name not in TRACKER.switched_off:
            with TRACKER.guarded(SQLAlchemyProbe.name):
                _follow(adapted, record, sys._getframe(1))

    @staticmethod
    def _record(fairy: Any, pool: Any, dbapi: Any, record: Any, echo: Any) -> Any:
        return record

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith("sqlalchemy."):
            return None
        if kind in ("AsyncSession", "async_scoped_session", "AsyncSessionTransaction"):
            return _read_session(obj)
        if kind == "AsyncConnection":
            loops = peek.distinct([_loop_of_fairy(peek.attribute(obj, "sync_connection"))])
            looked_at = ("sync_connection", "dbapi_connection", "_loop")
            return Reading("SQLAlchemy AsyncConnection", loops, looked_at)
        if kind == "_ConnectionRecord":
            loops = peek.distinct([loop_of_connection(peek.attribute(obj, "dbapi_connection"))])
            return Reading("SQLAlchemy pooled connection", loops, ("dbapi_connection",))
        if kind == "async_sessionmaker":
            options = peek.attribute(obj, "kw")
            return self.read(dict.get(options, "bind")) if peek.is_a(options, dict) else None
        pool = peek.attribute(obj, "sync_engine", "pool")
        return _read_pool(pool) if kind == "AsyncEngine" and pool is not None else None


def _follow(adapted: Any, record: Any, frame: FrameType) -> None:
    """A pool has opened a connection, for that record of it."""
    loop = loop_of_connection(adapted)
    if loop is None:
        return  # a synchronous driver, or one whose connections keep no loop
    real = peek.attribute(adapted, "_connection")
    module, name = peek.class_of(real)
    kind = f"{module.partition('.')[0]}.{name}"
    # The engine that a pool serves: they share their dialect, also after dispose().
    engine = TRACKER.find(peek.attribute(record, _POOL, "_dialect"))
    live = TRACKER.built(record, DRIVER, LABEL, frame, type_name=kind, is_closed=_is_closed)
    live.part_of(live.parent or engine)
    TRACKER.bound(live, loop, frame)
    inner = TRACKER.find(real)
    if inner is not None:
        inner.part_of(live.parent)
        inner.note(label=LABEL, built_at=live.record.built_at, built_by=live.record.built_by)


def _is_closed(record: Any) -> bool:
    return peek.attribute(record, "dbapi_connection") is None


def _read_session(session: Any) -> Reading:
    connections = peek.attribute(session, "sync_session", "_transaction", "_connections")
    entries = [peek.items(entry) for entry in peek.items(connections)]
    loops = peek.distinct(_loop_of_fairy(entry[0]) for entry in entries if entry)
    looked_at = ["the open transaction's connections"]
    bind = peek.attribute(session, "bind")
    pool = peek.attribute(bind, "sync_engine", "pool")
    if not loops and pool is not None and peek.class_of(bind)[1] == "AsyncEngine":
        inner = _read_pool(pool)
        loops, looked_at = inner.loops, [*looked_at, *inner.looked_at]
    return Reading("SQLAlchemy AsyncSession", loops, tuple(looked_at))


def _read_pool(pool: Any) -> Reading:
    queue = peek.attribute(pool, "_pool")
    records = peek.items(peek.attribute(queue, "_queue", "_queue"))
    idle = len(records)
    # Checked-out connections are not in the pool's queue: what the probe followed knows them.
    for live in TRACKER.objects:
        record = live.ref()
        if live.record.label == LABEL and peek.attribute(record, _POOL) is pool:
            records.append(record)
    loops = peek.distinct(
        loop_of_connection(peek.attribute(record, "dbapi_connection")) for record in records
    )
    name = peek.class_of(pool)[1]
    looked_at = [f"{idle} idle connection{'' if idle == 1 else 's'} in the {name}"]
    # As QueuePool.checkedout() counts them.
    size, overflow = peek.attribute(queue, "maxsize"), peek.attribute(pool, "_overflow")
    out = size - idle + overflow if type(size) is type(overflow) is int else 0
    if out:
        looked_at.append(f"{out} checked out, seen only if opened while whichloop watched")
    return Reading("SQLAlchemy AsyncEngine", loops, tuple(looked_at))


PROBE = SQLAlchemyProbe()
