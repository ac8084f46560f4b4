"""PyMongo's own asyncio API: AsyncMongoClient binds at its first operation, and says so itself."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.probes import Patcher, Reading, use
from whichloop.observe.tracker import TRACKER

DRIVER = "pymongo"
LABEL = "pymongo client"


class PyMongoProbe:
    name = "pymongo"
    modules = ("pymongo.asynchronous.mongo_client",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = module.AsyncMongoClient
        patch.after(client, "__init__", self._built)
        patch.before(client, "_get_topology", self._used)
        patch.before(client, "close", self._closed)

    @staticmethod
    def _built(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.built(client, DRIVER, LABEL, frame, type_name=type(client).__name__)

    @staticmethod
    def _used(frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client)
        if live is None:
            live = TRACKER.built(client, DRIVER, LABEL, None, type_name=type(client).__name__)
        if live.loop is None and client._loop is not None:
            live.loop = TRACKER.loop(client._loop)
        use(live, frame)

    @staticmethod
    def _closed(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.find(client)
        if live is not None and live.loop is not None:
            use(live, frame)
            live.closed = True

    def read(self, obj: Any) -> Reading | None:
        if not type(obj).__module__.startswith("pymongo.asynchronous."):
            return None
        path = ""
        for name in ("_collection", "_database", "_client"):
            inner = vars(obj).get(name) if hasattr(obj, "__dict__") else None
            if inner is not None:
                obj, path = inner, f"{path}{name}."
        if "_loop" not in vars(obj):
            return None
        loop = vars(obj)["_loop"]
        label = f"pymongo {type(obj).__name__}"
        return Reading(label, (loop,) if loop is not None else (), (f"{path}_loop",))


PROBE = PyMongoProbe()
