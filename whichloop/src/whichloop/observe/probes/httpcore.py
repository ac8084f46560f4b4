"""httpx and the clients built on it: kept-alive connections in httpcore's pool."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.probes import Patcher, Reading, use
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
            patch.before(connection, "handle_async_request", self._used)
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
        pool = TRACKER.find(getattr(getattr(client, "_transport", None), "_pool", None))
        if pool is not None:
            pool.parent = live
            pool.built_at, pool.built_by = live.built_at, live.built_by

    @staticmethod
    def _connection(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        pool = TRACKER.find(frame.f_locals.get("self"))
        kind = "httpcore.AsyncHTTPConnection"
        live = TRACKER.built(connection, DRIVER, LABEL, frame, type_name=kind, parent=pool)
        if pool is not None:
            live.parent = pool.parent or pool
            live.built_at, live.built_by = pool.built_at, pool.built_by

    @staticmethod
    def _used(frame: FrameType, connection: Any, *args: Any, **kwargs: Any) -> None:
        use(TRACKER.find(connection), frame)

    @staticmethod
    def _closed(frame: FrameType, connection: Any) -> None:
        live = TRACKER.find(connection)
        if live is not None and live.loop is not None and not live.closed:
            use(live, frame)
            live.closed = True

    def read(self, obj: Any) -> Reading | None:
        kind, module = type(obj).__name__, type(obj).__module__
        if not module.startswith(("httpx", "httpcore")):
            return None
        pool = obj
        if kind == "AsyncClient":
            pool = getattr(getattr(obj, "_transport", None), "_pool", None)
        elif kind == "AsyncHTTPTransport":
            pool = getattr(obj, "_pool", None)
        held = [obj] if kind == "AsyncHTTPConnection" else getattr(pool, "_connections", None)
        if held is None:
            return None
        loops: list[Any] = []
        for connection in held:
            loop = _socket_loop(connection)
            if loop is not None and loop not in loops:
                loops.append(loop)
        looked = f"{len(held)} open connection{'' if len(held) == 1 else 's'}"
        return Reading(f"{module.partition('.')[0]} {kind}", tuple(loops), (looked,))


def _socket_loop(connection: Any) -> Any:
    """From an HTTP connection down to the transport, as httpcore and anyio nest them."""
    inner = getattr(connection, "_connection", None)
    stream = getattr(getattr(inner, "_network_stream", None), "_stream", None)
    while stream is not None and hasattr(stream, "transport_stream"):
        stream = stream.transport_stream
    transport = getattr(stream, "_transport", None)
    return getattr(transport, "_loop", None)


PROBE = HttpcoreProbe()
