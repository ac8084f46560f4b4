"""Objects that keep their loop in an attribute: a table for the drivers known by name, and a
last look at any other object that has such an attribute."""

from types import FrameType, ModuleType
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER


class Known(NamedTuple):
    """A class whose constructor takes the loop, into ``_loop``; each of ``uses`` is compared."""

    module: str
    owner: str
    label: str
    uses: tuple[str, ...]
    closes: tuple[str, ...] = ("close",)


_GRPC = "grpc.aio._channel"
KNOWN = (
    Known("aiohttp.client", "ClientSession", "aiohttp session", ("_request",)),
    Known(
        _GRPC,
        "Channel",
        "grpc channel",
        ("unary_unary", "unary_stream", "stream_unary", "stream_stream"),
    ),
    *(
        Known(_GRPC, f"{call}MultiCallable", "grpc channel", ("__call__",), ())
        for call in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
    ),
    Known("aiomysql.connection", "Connection", "aiomysql connection", ("query", "ping")),
    Known("aiomysql.pool", "Pool", "aiomysql pool", ("_acquire",)),
    Known("nats.aio.client", "Client", "nats client", ("publish", "request")),
)

NAMES = ("_loop", "loop", "_io_loop", "_event_loop")


def _is_closed(obj: Any) -> bool:
    """An aiohttp session whose connector is closed, or gone; other drivers are seen to close."""
    if peek.class_of(obj)[0].partition(".")[0] != "aiohttp":
        return False
    connector = peek.attribute(obj, "_connector")
    return connector is None or peek.attribute(connector, "_closed") is True


def _install(owner: Any, known: Known, patch: Patcher) -> None:
    driver = known.module.split(".")[0]
    name = f"{driver}.aio.{known.owner}" if known.module == _GRPC else f"{driver}.{known.owner}"

    def built(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(obj, driver, known.label, frame, type_name=name, is_closed=_is_closed)
        loop = peek.loop_in(obj, "_loop")
        if loop is not None:
            TRACKER.bound(live, loop, frame)

    patch.after(owner, "__init__", built)
    for method in known.uses:
        patch.use(owner, method)
    patch.closes(owner, *known.closes)


class GeneralProbe:
    name = "general"
    modules = tuple(dict.fromkeys(known.module for known in KNOWN))

    def install(self, module: ModuleType, patch: Patcher) -> None:
        for known in KNOWN:
            if known.module == module.__name__:
                _install(getattr(module, known.owner), known, patch)

    def read(self, obj: Any) -> Reading | None:
        if peek.is_loop(obj):
            return None
        held = peek.attributes(obj)
        module, kind = peek.class_of(obj)
        for name in NAMES:
            value = dict.get(held, name)
            if value is not None and peek.is_loop(value):
                return Reading(f"{module.partition('.')[0]} {kind}", (value,), (name,))
        for known in KNOWN:
            if (known.module, known.owner) == (module, kind):
                return Reading(known.label, (), ("_loop",))
        return None


PROBE = GeneralProbe()
