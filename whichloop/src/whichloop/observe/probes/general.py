"""Objects that keep their loop in an attribute: a table for the drivers known by name, and a
last look at any other object that has such an attribute."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any, NamedTuple

from whichloop.observe.probes import Patcher, Reading, use
from whichloop.observe.tracker import TRACKER


class Known(NamedTuple):
    """``built`` binds (the loop is taken in the constructor); each of ``uses`` is compared."""

    module: str
    owner: str
    label: str
    uses: tuple[str, ...]
    closes: tuple[str, ...] = ("close",)
    attribute: str = "_loop"


KNOWN = (
    Known("aiohttp.client", "ClientSession", "aiohttp session", ("_request",)),
    Known(
        "grpc.aio._channel",
        "Channel",
        "grpc channel",
        ("unary_unary", "unary_stream", "stream_unary", "stream_stream"),
    ),
    Known("grpc.aio._channel", "UnaryUnaryMultiCallable", "grpc channel", ("__call__",), ()),
    Known("grpc.aio._channel", "UnaryStreamMultiCallable", "grpc channel", ("__call__",), ()),
    Known("grpc.aio._channel", "StreamUnaryMultiCallable", "grpc channel", ("__call__",), ()),
    Known("grpc.aio._channel", "StreamStreamMultiCallable", "grpc channel", ("__call__",), ()),
    Known("aiomysql.connection", "Connection", "aiomysql connection", ("query", "ping")),
    Known("aiomysql.pool", "Pool", "aiomysql pool", ("_acquire",)),
    Known("nats.aio.client", "Client", "nats client", ("publish", "request"), ("close",)),
)

NAMES = ("_loop", "loop", "_io_loop", "_event_loop")


def _is_loop(value: Any) -> bool:
    return hasattr(type(value), "call_soon_threadsafe") and hasattr(type(value), "run_forever")


class GeneralProbe:
    name = "general"
    modules = tuple(dict.fromkeys(known.module for known in KNOWN))

    def install(self, module: ModuleType, patch: Patcher) -> None:
        for known in KNOWN:
            if known.module == module.__name__:
                self._install(getattr(module, known.owner), known, patch)

    @staticmethod
    def _install(owner: Any, known: Known, patch: Patcher) -> None:
        type_name = f"{known.module.partition('.')[0]}.{known.owner}"
        if known.module.startswith("grpc.aio"):
            type_name = f"grpc.aio.{known.owner}"
        driver = known.module.partition(".")[0]

        def built(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            live = TRACKER.built(obj, driver, known.label, frame, type_name=type_name)
            loop = getattr(obj, known.attribute, None)
            if loop is not None:
                TRACKER.bound(live, loop, frame)

        def used(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            use(TRACKER.find(obj), frame)

        def closed(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            live = TRACKER.find(obj)
            if live is not None:
                live.closed = True

        patch.after(owner, "__init__", built)
        for name in known.uses:
            patch.before(owner, name, used)
        for name in known.closes:
            patch.before(owner, name, closed)

    def read(self, obj: Any) -> Reading | None:
        held = getattr(obj, "__dict__", None)
        if not isinstance(held, dict) or isinstance(obj, type) or _is_loop(obj):
            return None
        for name in NAMES:
            value = held.get(name)
            if value is not None and _is_loop(value):
                kind = type(obj)
                label = f"{kind.__module__.partition('.')[0]} {kind.__name__}"
                return Reading(label, (value,), (name,))
        for known in KNOWN:
            if known.owner == type(obj).__name__ and known.module == type(obj).__module__:
                return Reading(known.label, (), (known.attribute,))
        return None


PROBE = GeneralProbe()
