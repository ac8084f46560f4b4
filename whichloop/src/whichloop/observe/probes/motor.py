"""Motor: a client takes the loop of its first operation, not of its construction."""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject


def _built(client: Any, frame: FrameType | None) -> LiveObject:
    kind = peek.class_of(client)[1]
    return TRACKER.built(client, "motor", "motor client", frame, type_name=kind)


class MotorProbe:
    name = "motor"
    modules = ("motor.core",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        client = module.AgnosticClient
        patch.after(client, "__init__", self._constructed)
        patch.before(client, "get_io_loop", self._used)

    @staticmethod
    def _constructed(frame: FrameType, client: Any, *args: Any, **kwargs: Any) -> None:
        live = _built(client, frame)
        loop = peek.loop_in(client, "_io_loop")
        if loop is not None:
            TRACKER.bound(live, loop, frame)

    @staticmethod
    def _used(frame: FrameType, client: Any) -> None:
        live = TRACKER.find(client) or _built(client, None)
        if live.loop is None:
            loop = peek.loop_in(client, "_io_loop")
            if loop is not None:
                TRACKER.holds(live, loop)
        TRACKER.used(live, frame)

    def read(self, obj: Any) -> Reading | None:
        module, kind = peek.class_of(obj)
        if not module.startswith("motor."):
            return None
        path = ""
        for name in ("collection", "database", "_client", "client"):
            inner = peek.attribute(obj, name)
            if inner is not None and "_io_loop" not in peek.attributes(obj):
                obj, path, kind = inner, f"{path}{name}.", peek.class_of(inner)[1]
        loop = peek.loop_in(obj, "_io_loop")
        return Reading(f"motor {kind}", peek.distinct([loop]), (f"{path}_io_loop",))


PROBE = MotorProbe()
