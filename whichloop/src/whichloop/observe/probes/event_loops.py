"""Births, runs and deaths of event loops, seen from asyncio's own base class and from uvloop's."""

from types import ModuleType
from typing import Any

from whichloop.observe import waits
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER

name = "event loops"
modules = ("asyncio", "uvloop")


def install(module: ModuleType, patch: Patcher) -> None:
    # uvloop's loops are no BaseEventLoop, but their class is a Python one.
    owner = module.BaseEventLoop if module.__name__ == "asyncio" else module.Loop
    patch.after(owner, "__init__", lambda frame, loop, *_, **__: TRACKER.loops.born(loop, frame))
    patch.before(owner, "run_forever", lambda frame, loop: TRACKER.loop_runs(loop))
    patch.before(owner, "close", lambda frame, loop: waits.ends(loop))
    patch.after(owner, "close", lambda frame, loop: TRACKER.loops.closed(loop))
    # A runner cancels what is pending before it closes its loop. Not its close(): pytest-asyncio
    # formats tracebacks that lead through that into its warnings.
    if module.__name__ == "asyncio" and hasattr(module.runners, "_cancel_all_tasks"):
        patch.before(module.runners, "_cancel_all_tasks", lambda frame, loop: waits.ends(loop))


def read(obj: Any) -> None:
    return None
