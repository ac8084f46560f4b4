"""Births, runs and deaths of event loops, seen from asyncio's own base class and from uvloop's."""

from types import FrameType, ModuleType
from typing import Any

from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER


class EventLoopProbe:
    name = "event loops"
    modules = ("asyncio", "uvloop")

    def install(self, module: ModuleType, patch: Patcher) -> None:
        # uvloop's loops are no BaseEventLoop, but their class is a Python one.
        loop = module.BaseEventLoop if module.__name__ == "asyncio" else module.Loop
        patch.after(loop, "__init__", self._born)
        patch.before(loop, "run_forever", lambda frame, loop: TRACKER.loop_runs(loop))
        patch.after(loop, "close", lambda frame, loop: TRACKER.loops.closed(loop))

    @staticmethod
    def _born(frame: FrameType, loop: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.loops.born(loop, frame)

    def read(self, obj: Any) -> None:
        return None


PROBE = EventLoopProbe()
