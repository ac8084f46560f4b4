"""Births, runs and deaths of event loops, seen from asyncio itself."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

from whichloop.observe.tracker import TRACKER

_undo: list[Callable[[], None]] = []


def _patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    own = name in vars(owner)
    original = getattr(owner, name)
    wrapper = functools.wraps(original)(make(original))
    setattr(owner, name, wrapper)

    def undo() -> None:
        if vars(owner).get(name) is wrapper:
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

    _undo.append(undo)


def _born(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        original(self, *args, **kwargs)
        try:
            TRACKER.loop_born(self, sys._getframe(1))
        except Exception as error:
            TRACKER.switch_off("event loops", error)

    return __init__


def _runs(original: Any) -> Any:
    def run_forever(self: Any) -> Any:
        __tracebackhide__ = True
        try:
            TRACKER.loop_runs(self)
        except Exception as error:
            TRACKER.switch_off("event loops", error)
        return original(self)

    return run_forever


def _closes(original: Any) -> Any:
    def close(self: Any) -> Any:
        __tracebackhide__ = True
        result = original(self)
        try:
            TRACKER.loop_closed(self)
        except Exception as error:
            TRACKER.switch_off("event loops", error)
        return result

    return close


def install() -> None:
    """Watch every loop that derives from asyncio's own base class."""
    if _undo:
        return
    base = asyncio.BaseEventLoop
    _patch(base, "__init__", _born)
    _patch(base, "run_forever", _runs)
    _patch(base, "close", _closes)


def install_uvloop(module: Any) -> None:
    """Watch uvloop's loops: they are no BaseEventLoop, but their class is a Python one."""
    loop = module.Loop
    _patch(loop, "__init__", _born)
    _patch(loop, "run_forever", _runs)
    _patch(loop, "close", _closes)


def uninstall() -> None:
    """Put asyncio's own methods back."""
    while _undo:
        _undo.pop()()
