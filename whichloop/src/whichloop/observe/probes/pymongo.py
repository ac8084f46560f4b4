"""PyMongo's own asyncio API: AsyncMongoClient binds at its first operation, and says so itself."""

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject


class ClientProbe:
    """A client whose every operation asks for its loop (or what needs it) by one method; databases
    and collections hold the client, under ``holders``."""

    name = "pymongo"
    modules: tuple[str, ...] = ("pymongo.asynchronous.mongo_client",)
    package = "pymongo.asynchronous."
    client = "AsyncMongoClient"
    operation = "_get_topology"
    loop = "_loop"
    holders: tuple[str, ...] = ("_collection", "_database", "_client")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = getattr(module, self.client)
        patch.after(client, "__init__", self._constructed)
        patch.before(client, self.operation, self._used)

    def _built(self, client: Any, frame: FrameType | None) -> LiveObject:
        kind, label = peek.class_of(client)[1], f"{self.name} client"
        return TRACKER.built(client, self.name, label, frame, type_name=kind)

    def _constructed(self, frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live, loop = self._built(client, frame), peek.loop_in(client, self.loop)
        if loop is not None:
            TRACKER.bound(live, loop, frame)

    def _used(self, frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client) or self._built(client, None)
        if live.loop is None and (loop := peek.loop_in(client, self.loop)) is not None:
            TRACKER.holds(live, loop)
        TRACKER.used(live, frame)

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


class PyMongoProbe(ClientProbe):
    def install(self, module: ModuleType, patch: Patcher) -> None:
        super().install(module, patch)
        patch.before(module.AsyncMongoClient, "close", self._closed)

    @staticmethod
    def _closed(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.find(client)
        if live is not None and live.loop is not None:
            TRACKER.used(live, frame)
            live.note(closed=True)


PROBE = PyMongoProbe()
