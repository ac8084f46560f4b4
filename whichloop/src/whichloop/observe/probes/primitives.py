"""asyncio's own objects: Lock, Event, Condition, Semaphore, Queue, streams, futures, tasks."""

from __future__ import annotations

import asyncio
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.loop_table import running_loop
from whichloop.observe.probes import Patcher, Reading
from whichloop.observe.tracker import TRACKER

DRIVER = "asyncio"
KINDS = ("Lock", "Event", "Condition", "Semaphore", "Queue", "Barrier")
LOOP_HOLDERS = (
    *(getattr(asyncio, kind) for kind in KINDS),
    asyncio.StreamReader,
    asyncio.StreamWriter,
)


def _class_name(obj: Any) -> str:
    return f"asyncio {type(obj).__name__}"


class PrimitivesProbe:
    name = "asyncio primitives"
    modules = ("asyncio",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        for kind in KINDS:
            patch.after(getattr(module, kind), "__init__", self._built)
        patch.before(module.mixins._LoopBoundMixin, "_get_loop", self._asked)
        patch.after(module.StreamReader, "__init__", self._stream)

    @staticmethod
    def _built(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        # A queue or a condition makes locks and events of its own, by the hundred: one that is
        # built by asyncio belongs to the object around it.
        if frame.f_globals.get("__name__", "").startswith("asyncio."):
            return
        if running_loop() is None or TRACKER.find(obj) is None:
            TRACKER.built(obj, DRIVER, _class_name(obj), frame)

    @staticmethod
    def _asked(frame: FrameType, obj: Any) -> None:
        """Called under contention only: that is when such an object binds, or complains."""
        live = TRACKER.find(obj)
        loop = running_loop()
        if loop is None or (live is None and obj._loop is loop):
            return
        if live is None:
            live = TRACKER.built(obj, DRIVER, _class_name(obj), None)
        if live.loop is None and obj._loop is not None:
            live.loop = TRACKER.loop(obj._loop)
        TRACKER.used(live, frame)

    @staticmethod
    def _stream(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        live = TRACKER.built(obj, DRIVER, _class_name(obj), frame)
        TRACKER.bound(live, obj._loop, frame)

    def read(self, obj: Any) -> Reading | None:
        if isinstance(obj, asyncio.Future):
            return Reading(_class_name(obj), (obj.get_loop(),), ("get_loop()",))
        if not isinstance(obj, LOOP_HOLDERS):
            return None
        inner = getattr(obj, "_lock", None) if isinstance(obj, asyncio.Condition) else None
        own = getattr(obj, "_loop", None) or getattr(inner, "_loop", None)
        return Reading(_class_name(obj), (own,) if own else (), ("_loop",))


PROBE = PrimitivesProbe()
