"""asyncio's own objects: Lock, Event, Condition, Semaphore, Queue, streams, futures, tasks."""

import asyncio
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.probes import Reading
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER, LiveObject, running_loop

name = "asyncio primitives"
modules = ("asyncio",)
KINDS = ("Lock", "Event", "Condition", "Semaphore", "Queue", "Barrier")
LOOP_HOLDERS = (
    *(getattr(asyncio, kind) for kind in KINDS),
    asyncio.StreamReader,
    asyncio.StreamWriter,
    asyncio.Future,
)


def install(module: ModuleType, patch: Patcher) -> None:
    for kind in KINDS:
        patch.after(getattr(module, kind), "__init__", _constructed)
    patch.before(module.mixins._LoopBoundMixin, "_get_loop", _asked)
    patch.after(module.StreamReader, "__init__", _stream)


def _built(obj: Any, frame: FrameType | None, loop: Any = None) -> LiveObject:
    return TRACKER.built(obj, "asyncio", _label(obj), frame, loop=loop)


def _label(obj: Any) -> str:
    return f"asyncio {peek.class_of(obj)[1]}"


def _constructed(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
    # A queue or a condition makes locks and events of its own, by the hundred: one that is
    # built by asyncio belongs to the object around it.
    if not frame.f_globals.get("__name__", "").startswith("asyncio."):
        _built(obj, frame)


def _asked(frame: FrameType, obj: Any) -> None:
    """Called under contention only: that is when such an object binds, or complains."""
    live, own = TRACKER.find(obj), peek.loop_in(obj, "_loop")
    if live is not None or own is not running_loop():
        TRACKER.used(live or _built(obj, None), frame, own)


def _stream(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
    loop = peek.loop_in(obj, "_loop")
    if loop is not None:
        _built(obj, frame, loop)


def read(obj: Any) -> Reading | None:
    if not any(peek.is_a(obj, kind) for kind in LOOP_HOLDERS):
        return None
    loops = peek.distinct([peek.loop_in(obj, "_loop"), peek.loop_in(obj, "_lock", "_loop")])
    return Reading(_label(obj), loops, ("_loop",))
