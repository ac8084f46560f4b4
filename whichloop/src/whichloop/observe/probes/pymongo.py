"""MongoDB's clients, Motor's and PyMongo's own AsyncMongoClient: each takes the loop of its first
operation, not of its construction."""

from types import FrameType, ModuleType
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject


class ClientProbe(NamedTuple):
    """A client whose every operation asks for its ``loop`` (or what needs it) by one method;
    databases and collections hold the client, under ``holders``."""

    name: str
    modules: tuple[str, ...]
    package: str
    client: str
    operation: str
    loop: str
    holders: tuple[str, ...]
    closes: tuple[str, ...] = ()

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = getattr(module, self.client)
        patch.after(client, "__init__", self._constructed)
        patch.before(client, self.operation, self._used)
        patch.closes(client, *self.closes, uses=True)

    def _built(self, client: Any, frame: FrameType | None, loop: Any = None) -> LiveObject:
        kind, label = peek.class_of(client)[1], f"{self.name} client"
        return TRACKER.built(client, self.name, label, frame, type_name=kind, loop=loop)

    def _constructed(self, frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        self._built(client, frame, peek.loop_in(client, self.loop))

    def _used(self, frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client) or self._built(client, None)
        own = peek.loop_in(client, self.loop) if live.loop is None else None
        TRACKER.used(live, frame, own)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith(self.package):
            return None
        path = ""
        for name in self.holders:
            inner = peek.attribute(obj, name)
            if inner is not None and self.loop not in peek.attributes(obj):
                obj, path, kind = inner, f"{path}{name}.", peek.class_of(inner)[1]
        if self.loop not in peek.attributes(obj):
            return None
        loops = peek.distinct([peek.loop_in(obj, self.loop)])
        return Reading(f"{self.name} {kind}", loops, (f"{path}{self.loop}",))


PROBES = (
    ClientProbe(
        "motor",
        ("motor.core",),
        "motor.",
        client="AgnosticClient",
        operation="get_io_loop",
        loop="_io_loop",
        holders=("collection", "database", "_client", "client"),
    ),
    ClientProbe(
        "pymongo",
        ("pymongo.asynchronous.mongo_client",),
        "pymongo.asynchronous.",
        client="AsyncMongoClient",
        operation="_get_topology",
        loop="_loop",
        holders=("_collection", "_database", "_client"),
        closes=("close",),
    ),
)
