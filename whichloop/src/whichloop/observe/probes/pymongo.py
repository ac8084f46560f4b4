"""PyMongo's own asyncio API: AsyncMongoClient binds at its first operation, and says so itself."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject


def _built(client: Any, frame: FrameType | None) -> LiveObject:
    kind = peek.class_of(client)[1]
    return TRACKER.built(client, "pymongo", "pymongo client", frame, type_name=kind)


class PyMongoProbe:
    name = "pymongo"
    modules = ("pymongo.asynchronous.mongo_client",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = module.AsyncMongoClient
        patch.after(client, "__init__", self._constructed)
        patch.before(client, "_get_topology", self._used)
        patch.before(client, "close", self._closed)

    @staticmethod
    def _constructed(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        _built(client, frame)

    @staticmethod
    def _used(frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client) or _built(client, None)
        if live.loop is None:
            loop = peek.loop_in(client, "_loop")
            if loop is not None:
                TRACKER.holds(live, loop)
        TRACKER.used(live, frame)

    @staticmethod
    def _closed(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.find(client)
        if live is not None and live.loop is not None:
            TRACKER.used(live, frame)
            live.note(closed=True)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith("pymongo.asynchronous."):
            return None
        path = ""
        for name in ("_collection", "_database", "_client"):
            inner = peek.attribute(obj, name)
            if inner is not None:
                obj, path, kind = inner, f"{path}{name}.", peek.class_of(inner)[1]
        if "_loop" not in peek.attributes(obj):
            return None
        loop = peek.loop_in(obj, "_loop")
        return Reading(f"pymongo {kind}", peek.distinct([loop]), (f"{path}_loop",))


PROBE = PyMongoProbe()
