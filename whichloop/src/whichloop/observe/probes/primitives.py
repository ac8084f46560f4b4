"""asyncio's own objects: Lock, Event, Condition, Semaphore, Queue, streams, futures, tasks."""

import asyncio
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject, running_loop

KINDS = ("Lock", "Event", "Condition", "Semaphore", "Queue", "Barrier")
LOOP_HOLDERS = (
    *(getattr(asyncio, kind) for kind in KINDS),
    asyncio.StreamReader,
    asyncio.StreamWriter,
    asyncio.Future,
)


def _label(obj: Any) -> str:
    return f"asyncio {peek.class_of(obj)[1]}"


def _built(obj: Any, frame: FrameType | None) -> LiveObject:
    return TRACKER.built(obj, "asyncio", _label(obj), frame)


class PrimitivesProbe:
    name = "asyncio primitives"
    modules = ("asyncio",)

    def install(self, module: ModuleType, patch: Patcher) -> None:
        for kind in KINDS:
            patch.after(getattr(module, kind), "__init__", self._constructed)
        patch.before(module.mixins._LoopBoundMixin, "_get_loop", self._asked)
        patch.after(module.StreamReader, "__init__", self._stream)

    @staticmethod
    def _constructed(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        # A queue or a condition makes locks and events of its own, by the hundred: one that is
        # built by asyncio belongs to the object around it.
        if not frame.f_globals.get("__name__", "").startswith("asyncio."):
            _built(obj, frame)

    @staticmethod
    def _asked(frame: FrameType, obj: Any) -> None:
        """Called under contention only: that is when such an object binds, or complains."""
        live, loop = TRACKER.find(obj), running_loop()
        own = peek.loop_in(obj, "_loop")
        if loop is None or (live is None and own is loop):
            return
        live = live or _built(obj, None)
        if live.loop is None and own is not None:
            TRACKER.holds(live, own)
        TRACKER.used(live, frame)

    @staticmethod
    def _stream(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
        loop = peek.loop_in(obj, "_loop")
        if loop is not None:
            TRACKER.bound(_built(obj, frame), loop, frame)

    def read(self, obj: Any) -> Reading | None:
        if not any(peek.is_a(obj, kind) for kind in LOOP_HOLDERS):
            return None
        loops = peek.distinct([peek.loop_in(obj, "_loop"), peek.loop_in(obj, "_lock", "_loop")])
        return Reading(_label(obj), loops, ("_loop",))


PROBE = PrimitivesProbe()
