"""Motor: a client takes the loop of its first operation, not of its construction."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.probes import Patcher, Reading, use
from whichloop.observe.tracker import TRACKER

DRIVER = "motor"


class MotorProbe:
    name = "motor"
    modules = ("motor.core",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = module.AgnosticClient
        patch.after(client, "__init__", self._built)
        patch.before(client, "get_io_loop", self._used)

    @staticmethod
    def _built(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        kind = type(client).__name__
        live = TRACKER.built(client, DRIVER, "motor client", frame, type_name=kind)
        if client._io_loop is not None:
            TRACKER.bound(live, client._io_loop, frame)

    @staticmethod
    def _used(frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client)
        if live is None:
            live = TRACKER.built(
                client, DRIVER, "motor client", None, type_name=type(client).__name__
            )
        if live.loop is None and client._io_loop is not None:
            live.loop = TRACKER.loop(client._io_loop)
        use(live, frame)

    def read(self, obj: Any) -> Reading | None:
        if not type(obj).__module__.startswith("motor."):
            return None
        path = ""
        for name in ("collection", "database", "_client", "client"):
            if not hasattr(type(obj), "_io_loop") and "_io_loop" not in vars(obj):
                inner = vars(obj).get(name)
                if inner is not None:
                    obj, path = inner, f"{path}{name}."
        loop = vars(obj).get("_io_loop")
        label = f"motor {type(obj).__name__}"
        return Reading(label, (loop,) if loop is not None else (), (f"{path}_io_loop",))


PROBE = MotorProbe()
