"""A hang that pytest-timeout, faulthandler or Ctrl-C ends, told like a failure: who would have to
wake what the test waits for."""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest
from _pytest import faulthandler

from whichloop.observe import frames, peek, waits
from whichloop.observe.tracker import TRACKER
from whichloop.present.section import render
from whichloop.records import Actor, Failure, Finding, Frame, Recording

_PATIENCE = 2  # seconds
_STANDARD = {"builtins", "threading", "_thread", "weakref", "_weakrefset", "collections"}


def looked_at(
    error: BaseException,
    failure: Failure,
    recording: Recording,
    fixtures: Iterable[tuple[Actor, Any]],
) -> tuple[Failure, Recording]:
    """The failure with what it waited for, and with the lines where it did."""
    passed = [frame for one in frames.chain_of(error) for frame in frames.passed_by(one)]
    if not passed:  # of what ends the process from another thread
        passed = list(frames.outward(sys._current_frames().get(threading.main_thread().ident or 0)))
    hang = waits.Hang(error, passed, fixtures)
    own = [frame for frame in hang.frames if frames.is_user_file(frame.f_code.co_filename)]
    lines = (Frame(frames.site_of(frame.f_code, frame.f_lineno), True) for frame in own[::-1])
    failure = failure._replace(frames=(*failure.frames, *lines), wait=hang.wait())
    loops = {loop.id: loop for loop in (*TRACKER.loops.records(), *recording.loops)}
    return failure, recording._replace(loops=tuple(loops.values()))


class Limits:
    """What may end the whole process while a test hangs, of which ``explain`` gives the finding."""

    def __init__(
        self, config: pytest.Config, explain: Callable[[BaseException], Finding | None]
    ) -> None:
        self._config, self._explain = config, explain
        self._plugin: Any = sys.modules.get("pytest_timeout")
        self._dump: Any = getattr(self._plugin, "dump_stacks", None)
        options = {"faulthandler_timeout": 0, "faulthandler_exit_on_timeout": False}
        for name in options:
            with suppress(KeyError, ValueError):  # no option of this pytest's
                options[name] = config.getini(name) or 0
        limit, exits = map(float, options.values())
        # Before it ends the process, or after it has written the stacks.
        self._limit = limit * 0.9 if exits else limit and limit + 0.5
        self._timer: threading.Timer | None = None

    def _tell(self) -> str:
        finding = self._explain(frames.Ended())
        return f"\nwhichloop: {finding.during} hangs\n{render(finding)}\n" if finding else ""

    def install(self) -> None:
        if self._dump is not None:
            vars(self._plugin)["dump_stacks"] = self._dump_stacks

    def _dump_stacks(self, terminal: Any) -> None:
        self._dump(terminal)
        # The other of its methods fails the test, and the failure is explained.
        if sys._getframe(1).f_code.co_name == "timeout_timer":
            terminal.write(self._tell())

    def uninstall(self) -> None:
        if self._dump is not None:
            vars(self._plugin)["dump_stacks"] = self._dump

    def test_begins(self) -> None:
        if self._limit:
            self._timer = threading.Timer(self._limit, self._write)
            self._timer.daemon = True
            self._timer.start()

    def _write(self) -> None:
        # Where pytest's capture does not reach.
        stderr = self._config.stash.get(faulthandler.fault_handler_stderr_fd_key, 2)
        os.write(stderr, self._tell().encode())

    def test_ends(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def watch_exit() -> None:
    """When Python ends, it waits for threads that are no daemons: say so, if that takes long."""
    ends, register = threading.Event(), getattr(threading, "_register_atexit", None)
    if register is not None and _waited_for():
        register(ends.set)  # by then some versions start no thread
        threading.Thread(target=_tell_of_threads, args=(ends,), daemon=True).start()


def _waited_for() -> list[threading.Thread]:
    main = threading.main_thread()
    return [one for one in threading.enumerate() if not one.daemon and one is not main]


def _tell_of_threads(ends: threading.Event) -> None:
    ends.wait()
    time.sleep(_PATIENCE)
    for thread in _waited_for():
        held = gc.get_referrers(thread)
        holders = [*held, *(one for of in held if type(of) is dict for one in gc.get_referrers(of))]
        kinds = (peek.class_of(one) for one in holders)
        own = (f"{m}.{name}" for m, name in kinds if m.partition(".")[0] not in _STANDARD)
        holder = next(own, "")
        text = f"whichloop: Python has ended but for {thread.name}, a thread that is no daemon"
        text += f": {holder} holds it, and was never closed" if holder else ""
        text += ".\nCure   close what holds it, on its loop, before that is closed\n"
        os.write(2, text.encode())
