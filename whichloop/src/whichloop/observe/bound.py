"""What is bound to an event loop, or will be at its first use: objects that no loop has used yet.

A table of classes, and of the functions that build them; what is known to be harmless is told
apart. Everything is read through :mod:`whichloop.observe.peek`.
"""

from collections.abc import Iterable
from types import FunctionType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes.registry import REGISTRY

# Classes by where they are defined. Their objects bind at their first use, if not before.
CLASSES = {
    ("sqlalchemy.ext.asyncio.engine", "AsyncEngine"): "SQLAlchemy AsyncEngine",
    ("sqlalchemy.ext.asyncio.session", "async_sessionmaker"): "SQLAlchemy AsyncEngine",
    ("sqlalchemy.orm.session", "sessionmaker"): "SQLAlchemy AsyncEngine",
    ("motor.core", "AgnosticClient"): "Motor client",
    ("pymongo.asynchronous.mongo_client", "AsyncMongoClient"): "PyMongo AsyncMongoClient",
    ("redis.asyncio.client", "Redis"): "redis client",
    ("redis.asyncio.cluster", "RedisCluster"): "redis cluster client",
    ("redis.asyncio.connection", "ConnectionPool"): "redis connection pool",
    ("httpx", "AsyncClient"): "httpx AsyncClient",
    ("aiohttp.client", "ClientSession"): "aiohttp session",
    ("asyncpg.connection", "Connection"): "asyncpg connection",
    ("asyncpg.pool", "Pool"): "asyncpg pool",
    ("grpc.aio._channel", "Channel"): "grpc channel",
    ("psycopg_pool.pool_async", "AsyncConnectionPool"): "psycopg pool",
    ("aiomysql.connection", "Connection"): "aiomysql connection",
    ("aiomysql.pool", "Pool"): "aiomysql pool",
}
# What a function builds, by where the function is defined.
BUILDERS = {
    ("sqlalchemy.ext.asyncio.engine", "create_async_engine"): "SQLAlchemy AsyncEngine",
    ("sqlalchemy.ext.asyncio.engine", "async_engine_from_config"): "SQLAlchemy AsyncEngine",
    ("redis.asyncio.utils", "from_url"): "redis client",
    ("asyncpg.pool", "create_pool"): "asyncpg pool",
    ("grpc.aio._channel", "insecure_channel"): "grpc channel",
    ("grpc.aio._channel", "secure_channel"): "grpc channel",
}
# The same by a name that says enough, where a function imports the driver when it is called.
NAMES = {
    "create_async_engine": "SQLAlchemy AsyncEngine",
    "AsyncIOMotorClient": "Motor client",
    "AsyncMongoClient": "PyMongo AsyncMongoClient",
}
# Dialects whose connections wait for their socket on whatever loop runs (psycopg), or in a thread.
NEUTRAL_DIALECTS = ("psycopg", "aiosqlite")
NEUTRAL_WORDS = ("+psycopg", "+aiosqlite", "sqlite://", "NullPool")
_ENGINE = ("sqlalchemy.ext.asyncio.engine", "AsyncEngine")
_FACTORIES = (
    ("sqlalchemy.ext.asyncio.session", "async_sessionmaker"),
    ("sqlalchemy.orm.session", "sessionmaker"),  # with class_=AsyncSession
)
_POOLED = ("httpx", "AsyncHTTPTransport")


class Bound:
    """Looks at objects, and knows each class once it has met it."""

    def __init__(self) -> None:
        # By the class's id: a metaclass may have a __hash__. It keeps the class, and so the id.
        self._kinds: dict[int, tuple[type, tuple[str, str] | None]] = {}

    def class_row(self, kind: type) -> tuple[str, str] | None:
        """The row of CLASSES that a class, or a base of it, is."""
        known = self._kinds.get(id(kind))
        if known is None:
            rows = ((_public(module), name) for module, name, _ in peek.bases(kind))
            known = kind, next((row for row in rows if row in CLASSES), None)
            self._kinds[id(kind)] = known
        return known[1]

    def seen_in(self, obj: Any) -> tuple[Any, str] | None:
        """What is loop-bound of an object, itself or what it was made for, and what that is called;
        None for one that is not, or that is harmless."""
        row = self.class_row(type(obj))
        if row is None:
            reading = REGISTRY.read(obj) if _may_hold_loop(obj) else None
            bound = reading is not None and reading.loops
            return (obj, f"{reading.label} that is bound already") if reading and bound else None
        if row in _FACTORIES:
            options = peek.attribute(obj, "kw")
            bind = dict.get(options, "bind") if peek.is_a(options, dict) else None
            return self.seen_in(bind) if bind is not None else None
        if row == _ENGINE and not _is_pooled(obj):
            return None
        if row == ("httpx", "AsyncClient") and not _has_sockets(obj):
            return None
        # An AsyncEngine is a proxy made on demand: what is one engine is the engine behind it.
        return (peek.attribute(obj, "sync_engine") if row == _ENGINE else obj), CLASSES[row]

    def built_by(self, objects: Iterable[Any], words: set[str]) -> str | None:
        """What code that names these objects and words may build and bind; None for nothing."""
        if any(neutral in word for word in words for neutral in NEUTRAL_WORDS):
            return None
        for obj in objects:
            if peek.is_a(obj, type):
                row = self.class_row(obj)
                # A factory of sessions builds no engine.
                if row is not None and row not in _FACTORIES:
                    return CLASSES[row]
            elif type(obj) is FunctionType:
                row = (_public(obj.__module__), obj.__name__)
                if row in BUILDERS:
                    return BUILDERS[row]
        return next((label for name, label in NAMES.items() if name in words), None)


def _public(module: Any) -> Any:
    """httpx names the package as the home of what it exports; not so in every version."""
    return "httpx" if type(module) is str and module.startswith("httpx.") else module


def _may_hold_loop(obj: Any) -> bool:
    """A quick look, before every probe is asked."""
    held = peek.attributes(obj)
    loops = (dict.get(held, name) for name in ("_loop", "loop", "_io_loop"))
    return any(loop is not None and peek.is_loop(loop) for loop in loops) and not peek.is_loop(obj)


def _is_pooled(engine: Any) -> bool:
    """Does an AsyncEngine keep connections, and do these belong to a loop?"""
    pool = peek.attribute(engine, "sync_engine", "pool")
    dialect = peek.attribute(engine, "sync_engine", "dialect")
    if pool is None or any(name == "NullPool" for _, name, _ in peek.bases(type(pool))):
        return False
    return peek.class_of(dialect)[0].rpartition(".")[2] not in NEUTRAL_DIALECTS


def _has_sockets(client: Any) -> bool:
    """Not so with a transport that calls an app in this process, or a mock."""
    transport = peek.attribute(client, "_transport")
    return any((_public(m), name) == _POOLED for m, name, _ in peek.bases(type(transport)))
