"""Births, runs and deaths of event loops, seen from asyncio's own base class and from uvloop's."""

from __future__ import annotations

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
        patch.before(loop, "run_forever", self._runs)
        patch.after(loop, "close", self._closed)

    @staticmethod
    def _born(frame: FrameType, loop: Any, *args: Any, **kwargs: Any) -> None:
        TRACKER.loops.born(loop, frame)

    @staticmethod
    def _runs(frame: FrameType, loop: Any) -> None:
        TRACKER.loop_runs(loop)

    @staticmethod
    def _closed(frame: FrameType, loop: Any) -> None:
        TRACKER.loops.closed(loop)

    def read(self, obj: Any) -> None:
        return None


PROBE = EventLoopProbe()
