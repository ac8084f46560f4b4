"""httpx and the clients built on it: kept-alive connections in httpcore's pool."""

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER

DRIVER = "httpx"
LABEL = "kept-alive HTTP connection"


class HttpcoreProbe:
    name = "httpcore"
    modules = ("httpcore._async.connection", "httpcore._async.connection_pool", "httpx._client")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        if module.__name__ == "httpcore._async.connection":
            connection = module.AsyncHTTPConnection
            patch.after(connection, "__init__", self._connection)
            patch.use(connection, "handle_async_request")
            patch.before(connection, "aclose", self._closed)
        elif module.__name__ == "httpcore._async.connection_pool":
            patch.after(module.AsyncConnectionPool, "__init__", self._pool)
        else:
            patch.after(module.AsyncClient, "__init__", self._client)

    @staticmethod
    def _pool(frame: FrameType, pool: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.built(pool, DRIVER, "HTTP connection pool", frame)

    @staticmethod
    def _client(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(client, DRIVER, "httpx client", frame, type_name="httpx.AsyncClient")
        pool = TRACKER.find(peek.attribute(client, "_transport", "_pool"))
        if pool is not None:
            pool.part_of(live)

    @staticmethod
    def _connection(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        pool = TRACKER.find(frame.f_locals.get("self"))
        kind = "httpcore.AsyncHTTPConnection"
        live = TRACKER.built(connection, DRIVER, LABEL, frame, type_name=kind, is_closed=_is_closed)
        if pool is not None:
            live.part_of(pool.parent or pool)

    @staticmethod
    def _closed(frame: FrameType, connection: Any) -> None:
        live = TRACKER.find(connection)
        if live is not None and live.loop is not None and not live.record.closed:
            TRACKER.used(live, frame)
            live.note(closed=True)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith(("httpx", "httpcore")):
            return None
        pool = obj
        if kind == "AsyncClient":
            pool = peek.attribute(obj, "_transport", "_pool")
        elif kind == "AsyncHTTPTransport":
            pool = peek.attribute(obj, "_pool")
        connections = peek.attribute(pool, "_connections")
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


def _is_closed(connection: Any) -> bool:
    inner = peek.attribute(connection, "_connection")
    if inner is None:
        return peek.attribute(connection, "_connect_failed") is True
    return bool(peek.attribute(inner, "_state", "_name_") == "CLOSED")


PROBE = HttpcoreProbe()
