"""Objects that keep their loop in an attribute: a table for the drivers known by name, and a
last look at any other object that has such an attribute."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher


class Known(NamedTuple):
    """A class whose constructor takes the loop into ``_loop``, or whose first use binds it; each of
    ``uses`` is compared. ``closed`` is the path to what is True once nothing of an object is open.
    With ``of``, it is another object that is used: the one that ``of`` reads from this one."""

    module: str
    owner: str
    uses: tuple[str, ...]
    closes: tuple[str, ...] = ("close",)
    closed: tuple[str, ...] = ()
    label: str = ""
    of: Callable[..., Any] | None = None


class Driver:
    """The probe of a driver of whose classes this is all there is to know. What has no loop itself
    may have objects that do, in its attribute ``holds``."""

    def __init__(self, name: str, *classes: Known, holds: str = "") -> None:
        self.name, self.holds, self.classes = name, holds, classes
        self.modules = tuple(dict.fromkeys(known.module for known in classes))

    def install(self, module: ModuleType, patch: Patcher) -> None:
        for known in self.classes:
            if known.module == module.__name__:
                self._watch(known, getattr(module, known.owner), patch)

    def _watch(self, known: Known, owner: Any, patch: Patcher) -> None:
        if known.of is None:
            patch.builds(
                owner,
                self.name,
                known.label or f"{self.name} {known.owner.lower()}",
                f"{known.module.rpartition('.')[0]}.{known.owner}",
                loop="_loop",
                is_closed=lambda obj: peek.attribute(obj, *known.closed) is True,
            )
        for method in known.uses:
            patch.use(owner, method, known.of)
        patch.closes(owner, *known.closes)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith(f"{self.name}."):
            return None
        inner = peek.attribute(obj, self.holds)
        holders = [obj, inner, *peek.items(inner)]
        loops = peek.distinct(peek.loop_in(holder, "_loop") for holder in holders)
        listed = any((module, kind) == (known.module, known.owner) for known in self.classes)
        if not loops and inner is None and not listed:
            return None
        looked_at = "_loop" if inner is None else f"{self.holds}._loop"
        return Reading(f"{self.name} {kind}", loops, (looked_at,))


def _connection(statement: Any, *args: Any) -> Any:
    return peek.attribute(statement, "_connection")


_GRPC = "grpc.aio._channel"
DRIVERS = (
    Driver(
        "asyncpg",
        Known("asyncpg.connection", "Connection", ("_check_open",), ("_cleanup",), ("_aborted",)),
        Known("asyncpg.pool", "Pool", ("_acquire",), ("close", "terminate"), ("_closed",)),
        # A statement prepared earlier runs without asking its connection.
        Known("asyncpg.prepared_stmt", "PreparedStatement", ("_check_open",), (), of=_connection),
        holds="_con",
    ),
    # From another loop a pool waits in vain for a worker that does not run, until its own timeout.
    Driver(
        "psycopg_pool",
        Known(
            "psycopg_pool.pool_async",
            "AsyncConnectionPool",
            ("_open", "getconn"),
            closed=("_closed",),
            label="psycopg pool",
        ),
        holds="_workers",
    ),
    Driver(
        "aiohttp",
        Known(
            "aiohttp.client",
            "ClientSession",
            ("_request",),
            ("close", "detach"),
            ("_connector", "_closed"),
            "aiohttp session",
        ),
    ),
    Driver(
        "grpc",
        Known(_GRPC, "Channel", ("unary_unary", "unary_stream", "stream_unary", "stream_stream")),
        *(
            Known(_GRPC, f"{call}MultiCallable", ("__call__",), (), label="grpc channel")
            for call in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
        ),
    ),
    Driver(
        "aiomysql",
        Known("aiomysql.connection", "Connection", ("query", "ping")),
        Known("aiomysql.pool", "Pool", ("_acquire",)),
    ),
    Driver("nats", Known("nats.aio.client", "Client", ("publish", "request"))),
)

# The last look, at an object that no other probe knows: there is nothing to install.
name = "general"
modules = ()
NAMES = ("_loop", "loop", "_io_loop", "_event_loop")


def read(obj: Any) -> Reading | None:
    for attribute in NAMES:
        loop = peek.loop_in(obj, attribute)
        if loop is not None and not peek.is_loop(obj):
            module, kind = peek.class_of(obj)
            return Reading(f"{module.partition('.')[0]} {kind}", (loop,), (attribute,))
    return None
