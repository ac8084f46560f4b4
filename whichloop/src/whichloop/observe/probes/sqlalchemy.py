"""SQLAlchemy: an engine never binds; each connection in its pool belongs to the loop that
opened it. Each pooled connection is followed from "connect" to the checkout that finds it on
another loop, which is just before the driver raises."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.live import LiveObject
from whichloop.observe.probes import Patcher, Reading
from whichloop.observe.tracker import TRACKER

DRIVER = "sqlalchemy"
LABEL = "pooled connection"


def _engine_of(pool: Any) -> LiveObject | None:
    """The engine that a pool serves: they share their dialect, also after dispose()."""
    return TRACKER.find(getattr(pool, "_dialect", None))


def _driver_connection(adapted: Any) -> Any:
    return getattr(adapted, "_connection", None)


def loop_of_connection(adapted: Any) -> Any:
    """The loop a driver's connection keeps, under the names that drivers use; or None."""
    real = _driver_connection(adapted)
    for name in ("_loop", "loop"):
        found = getattr(real, name, None)
        if found is not None and hasattr(found, "call_soon"):
            return found
    return None


class SQLAlchemyProbe:
    name = "sqlalchemy"
    modules = ("sqlalchemy.ext.asyncio.engine",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        from sys import modules

        # Imported by the module just imported: these lookups load nothing.
        base = modules["sqlalchemy.pool.base"]
        event: Any = modules["sqlalchemy"].event
        patch.after(module.AsyncEngine, "__init__", self._built)
        event.listen(base.Pool, "connect", self._connected)
        patch.on_undo(lambda: event.remove(base.Pool, "connect", self._connected))
        # A checkout, before the pre-ping: the listener for "checkout" comes after it.
        patch.use(base._ConnectionFairy, "__init__", self._record)

    @staticmethod
    def _built(frame: FrameType, engine: Any, sync_engine: Any, *args: Any) -> None:
        # Keyed by the dialect: an AsyncEngine is a proxy made anew on demand, and dispose()
        # replaces the pool, but the dialect is the engine's for life.
        dialect = sync_engine.dialect
        TRACKER.built(dialect, DRIVER, "engine", frame, type_name="AsyncEngine")

    @staticmethod
    def _connected(adapted: Any, record: Any) -> None:
        import sys

        if SQLAlchemyProbe.name in TRACKER.switched_off:
            return
        try:
            loop = loop_of_connection(adapted)
            if loop is None:
                return  # a synchronous driver, or one whose connections keep no loop
            pool = record._ConnectionRecord__pool
            frame = sys._getframe(1)
            real = _driver_connection(adapted)
            kind = f"{type(real).__module__.partition('.')[0]}.{type(real).__name__}"
            live = TRACKER.find(record)
            if live is None:
                live = TRACKER.built(
                    record, DRIVER, LABEL, frame, type_name=kind, parent=_engine_of(pool)
                )
            if live.parent is not None:
                live.built_at, live.built_by = live.parent.built_at, live.parent.built_by
            TRACKER.bound(live, loop, frame)
            inner = TRACKER.find(real)
            if inner is not None:
                inner.parent = live.parent
                inner.label = LABEL
                inner.built_at, inner.built_by = live.built_at, live.built_by
        except Exception as error:
            TRACKER.switch_off(SQLAlchemyProbe.name, error)

    @staticmethod
    def _record(fairy: Any, pool: Any, dbapi: Any, record: Any, echo: Any) -> Any:
        return record

    def read(self, obj: Any) -> Reading | None:
        if not type(obj).__module__.startswith("sqlalchemy."):
            return None
        kind = type(obj).__name__
        if kind in ("AsyncSession", "async_scoped_session", "AsyncSessionTransaction"):
            return _read_session(obj)
        if kind == "AsyncConnection":
            sync = getattr(obj, "sync_connection", None)
            fairy = getattr(sync, "_dbapi_connection", None)
            loop = loop_of_connection(getattr(fairy, "dbapi_connection", None))
            return Reading(
                "SQLAlchemy AsyncConnection",
                (loop,) if loop is not None else (),
                ("sync_connection", "dbapi_connection", "_loop"),
            )
        if kind == "_ConnectionRecord":
            loop = loop_of_connection(obj.dbapi_connection)
            label = "SQLAlchemy pooled connection"
            return Reading(label, (loop,) if loop is not None else (), ("dbapi_connection",))
        if kind == "async_sessionmaker":
            return self.read(obj.kw.get("bind")) if obj.kw.get("bind") is not None else None
        sync_engine = getattr(obj, "sync_engine", None)
        if kind == "AsyncEngine" and sync_engine is not None:
            return _read_pool(sync_engine.pool)
        return None


def _read_session(session: Any) -> Reading:
    sync = getattr(session, "sync_session", None)
    loops: list[Any] = []
    transaction = getattr(sync, "_transaction", None)
    looked_at = ["the open transaction's connections"]
    for connection in _connections_of(transaction):
        fairy = getattr(connection, "_dbapi_connection", None)
        loop = loop_of_connection(getattr(fairy, "dbapi_connection", None))
        if loop is not None and loop not in loops:
            loops.append(loop)
    bind = getattr(session, "bind", None)
    if not loops and bind is not None and type(bind).__name__ == "AsyncEngine":
        inner = _read_pool(bind.sync_engine.pool)
        loops, looked_at = list(inner.loops), [*looked_at, *inner.looked_at]
    return Reading("SQLAlchemy AsyncSession", tuple(loops), tuple(looked_at))


def _connections_of(transaction: Any) -> list[Any]:
    held = getattr(transaction, "_connections", None) or {}
    return list({id(entry[0]): entry[0] for entry in held.values()}.values())


def _read_pool(pool: Any) -> Reading:
    records: list[Any] = []
    queue = getattr(pool, "_pool", None)
    if queue is not None:
        records.extend(getattr(getattr(queue, "_queue", None), "_queue", ()))
    idle = len(records)
    # Checked-out connections are not in the pool's queue: what the probe followed knows them.
    for live in TRACKER.objects():
        record = live.ref()
        if live.label == LABEL and getattr(record, "_ConnectionRecord__pool", None) is pool:
            records.append(record)
    loops: list[Any] = []
    for record in records:
        loop = loop_of_connection(getattr(record, "dbapi_connection", None))
        if loop is not None and loop not in loops:
            loops.append(loop)
    looked_at = [f"{idle} idle connection{'' if idle == 1 else 's'} in the {type(pool).__name__}"]
    out = pool.checkedout() if hasattr(pool, "checkedout") else 0
    if out:
        looked_at.append(f"{out} checked out, seen only if opened while whichloop watched")
    return Reading("SQLAlchemy AsyncEngine", tuple(loops), tuple(looked_at))


PROBE = SQLAlchemyProbe()
