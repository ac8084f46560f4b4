"""httpx and the clients built on it: kept-alive connections in httpcore's pool."""

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject

name = "httpcore"
modules = ("httpcore._async.connection", "httpcore._async.connection_pool", "httpx._client")
DRIVER = "httpx"
LABEL = "kept-alive HTTP connection"


def install(module: ModuleType, patch: Patcher) -> None:
    if module.__name__ == "httpcore._async.connection":
        connection, kind = module.AsyncHTTPConnection, "httpcore.AsyncHTTPConnection"
        patch.builds(connection, DRIVER, LABEL, kind, is_closed=_is_closed, then=_made_by_pool)
        patch.use(connection, "handle_async_request")
        patch.closes(connection, "aclose", uses=True)
    elif module.__name__ == "httpcore._async.connection_pool":
        patch.builds(module.AsyncConnectionPool, DRIVER, "HTTP connection pool")
    else:
        kind = "httpx.AsyncClient"
        patch.builds(module.AsyncClient, DRIVER, "httpx client", kind, then=_has_pool)


def _has_pool(frame: FrameType, live: LiveObject, client: Any) -> None:
    pool = TRACKER.find(peek.attribute(client, "_transport", "_pool"))
    if pool is not None:
        pool.part_of(live)


def _made_by_pool(frame: FrameType, live: LiveObject, connection: Any) -> None:
    pool = TRACKER.find(frame.f_locals.get("self"))
    if pool is not None:
        live.part_of(pool.parent or pool)


def _is_closed(connection: Any) -> bool:
    inner = peek.attribute(connection, "_connection")
    if inner is None:
        return peek.attribute(connection, "_connect_failed") is True
    return bool(peek.attribute(inner, "_state", "_name_") == "CLOSED")


def read(obj: Any) -> Reading | None:
    module, kind = peek.class_of(obj)
    if not module.startswith(("httpx", "httpcore")):
        return None
    pools = {"AsyncClient": ("_transport", "_pool"), "AsyncHTTPTransport": ("_pool",)}
    connections = peek.attribute(obj, *pools.get(kind, ()), "_connections")
    if kind == "AsyncHTTPConnection":
        connections = [obj]
    elif connections is None:
        return None
    held = peek.items(connections)
    looked = f"{len(held)} open connection{'' if len(held) == 1 else 's'}"
    loops = peek.distinct(map(_socket_loop, held))
    return Reading(f"{module.partition('.')[0]} {kind}", loops, (looked,))


def _socket_loop(connection: Any) -> Any:
    """From an HTTP connection down to the transport, as httpcore and anyio nest them."""
    stream = peek.attribute(connection, "_connection", "_network_stream", "_stream")
    while (inner := peek.attribute(stream, "transport_stream")) is not None:
        stream = inner
    return peek.loop_in(stream, "_transport", "_loop")
