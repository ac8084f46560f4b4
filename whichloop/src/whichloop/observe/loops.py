"""Every event loop there is: born, running, closed, gone; whose it is, and in which thread."""

import functools
import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.frames import Scene, is_user_file, outward, site_of
from whichloop.records import NOBODY, Actor, LoopRecord, Site

# Loops that are gone, for the report of an object that outlived one of them.
MAX_DEAD = 64
# Enough for any report; a test that runs more loops than this names the latest.
MAX_RAN = 50
MAX_ENDED = 100

# Library modules that make or drive a loop, by the name their frames carry.
RUNNERS = {
    "pytest_asyncio.plugin": "pytest-asyncio",
    "anyio.pytest_plugin": "anyio",
    "starlette.testclient": "TestClient",
    "anyio.from_thread": "portal",
    "unittest.async_case": "unittest",
    "asgiref.sync": "async_to_sync",
    "pytest_trio.plugin": "pytest-trio",
    "pytest_aiohttp.plugin": "pytest-aiohttp",
    "aiohttp.pytest_plugin": "pytest-aiohttp",
    "IPython.core.async_helpers": "IPython",
}


class Ref(weakref.ref[Any]):
    """A weak reference that knows under which key its table holds it."""

    __slots__ = ("key",)

    key: int


class LiveLoop:
    """A loop while the suite runs: its record so far, and what does not keep it alive."""

    __slots__ = ("ident", "record", "ref")

    def __init__(self, ref: Ref, record: LoopRecord) -> None:
        self.ref, self.record = ref, record
        self.ident = 0  # of the thread that ran it last


class LoopTable:
    """Every loop there is, by address: born, running, closed, gone."""

    def __init__(self, scene: Scene, tick: Iterator[int]) -> None:
        self.alive: dict[int, LiveLoop] = {}
        self.dead: deque[LiveLoop] = deque(maxlen=MAX_DEAD)
        self.ran_here: list[LiveLoop] = []  # in the present test
        self.all: list[LiveLoop] | None = None  # filled while recording
        self.factory = ""  # the name of pytest-asyncio's, as it was set up last
        # Of tasks that were pending when their loop ended: what they held, weakly; and threads that
        # an error of a loop has ended.
        self.ended: deque[tuple[LiveLoop, str, list[Any]]] = deque(maxlen=MAX_ENDED)
        self.interrupted: Callable[[], Any] = lambda: None  # the task that a hang was ended in
        self.hung: list[Any] = []  # what its tasks waited for, if their loop has ended already
        self.dead_threads: deque[tuple[Any, LiveLoop]] = deque(maxlen=MAX_ENDED)
        self._scene, self._tick = scene, tick
        self._numbers = itertools.count()

    def born(self, loop: Any, frame: FrameType | None) -> LiveLoop:
        """A loop has been made by ``frame``."""
        pile = self._scene.hooks
        by = pile[-1] if pile else NOBODY
        runner, scope, line = "pytest-asyncio", runner_scope(by), None
        if scope is None:
            runner, line = runner_of(frame)
            if runner == "anyio":
                scope = by.caching_scope if by.kind == "fixture" else "function"
            if by.kind == "unknown" and line is not None:
                by = Actor("code", line.function)
        elif scope == "function":
            by = pile[0]  # the test, whose runner fixture is on top
        name, kind = letters(next(self._numbers)), ".".join(peek.class_of(loop))
        born = next(self._tick)
        factory = self.factory if runner == "pytest-asyncio" else ""
        record = LoopRecord(
            name, kind, runner, scope, "MainThread", by, line, born, factory=factory
        )
        ref = Ref(loop, self._gone)
        ref.key = id(loop)
        live = self.alive[id(loop)] = LiveLoop(ref, record)
        if self.all is not None:
            self.all.append(live)
        return live

    def _gone(self, ref: Ref) -> None:
        live = self.alive.pop(ref.key, None)
        if live is not None:
            self.dead.append(live)

    def find(self, loop: Any) -> LiveLoop | None:
        """What is known of ``loop``, without registering it."""
        live = self.alive.get(id(loop))
        return live if live is not None and live.ref() is loop else None

    def records(self) -> list[LoopRecord]:
        """Of every loop that is, and of the last that were."""
        return [live.record for live in (*self.alive.values(), *self.dead)]

    def of(self, loop: Any) -> LiveLoop:
        """What is known of ``loop``; one that was made unseen is registered now."""
        live = self.alive.get(id(loop))
        return live if live is not None and live.ref() is loop else self._met(loop)

    def _met(self, loop: Any) -> LiveLoop:
        for gone in reversed(self.dead):
            # In a finalizer the collector has cleared the reference to the loop already, but
            # nothing else can have its address.
            if gone.ref.key == id(loop) and gone.record.closed is not None:
                return gone
        live = self.born(loop, sys._getframe(1))
        if live.record.runner == "new_event_loop":  # who meets a loop is not who made it
            live.record = live.record._replace(runner="unknown", opened_by=NOBODY, opened_at=None)
        if peek.loop_state(loop) == "closed":
            live.record = live.record._replace(closed=live.record.born)
        return live

    def closed(self, loop: Any) -> None:
        """The loop has been closed."""
        live = self.find(loop)
        if live is not None and live.record.closed is None:
            by = self._scene.actor()
            live.record = live.record._replace(closed=next(self._tick), closed_by=by)

    def runs(self, loop: Any) -> LiveLoop:
        """The loop starts to run, in this thread."""
        live = self.of(loop)
        ident = threading.get_ident()
        if live.ident != ident:
            live.ident = ident
            name = threading.current_thread().name
            if name != live.record.thread:
                live.record = live.record._replace(thread=name)
        here = self.ran_here
        if not here or here[-1] is not live:
            here.append(live)
            del here[:-MAX_RAN]
        return live


def letters(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA: a loop's name from its place in the order of birth."""
    name = ""
    while number >= 0:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
    return name


def runner_of(frame: FrameType | None) -> tuple[str, Site | None]:
    """What is making a loop, read from the stack: one of ``RUNNERS``' values, or
    asyncio.run, asyncio.Runner, new_event_loop, unknown; and the suite's line that asked."""
    runner, line = _on_stack(frame)
    main = threading.main_thread().ident
    if line is not None or runner not in ("portal", "asyncio.run") or main == threading.get_ident():
        return runner, line
    # Born in a thread that a library started: the caller waits in the main thread.
    for outer in outward(sys._current_frames().get(main or 0)):
        caller = RUNNERS.get(outer.f_globals.get("__name__", ""))
        if caller in ("TestClient", "async_to_sync"):
            runner = caller
        if is_user_file(outer.f_code.co_filename):
            known = runner != "asyncio.run"
            return runner, site_of(outer.f_code, outer.f_lineno) if known else None
    return runner, None


def _on_stack(frame: FrameType | None) -> tuple[str, Site | None]:
    runner: str | None = None
    weak: str | None = None
    for outer in outward(frame):
        code = outer.f_code
        if is_user_file(code.co_filename):
            return runner or weak or "new_event_loop", site_of(code, outer.f_lineno)
        module = outer.f_globals.get("__name__", "")
        runner = runner or RUNNERS.get(module)
        if module in ("asyncio.runners", "uvloop"):
            if code.co_name == "run" and "self" not in code.co_varnames[:1]:
                weak = "asyncio.run"
            elif weak is None:
                weak = "asyncio.Runner"
    return runner or weak or "unknown", None


@functools.lru_cache(maxsize=64)
def runner_scope(hook: Actor) -> str | None:
    """The loop scope that a pytest-asyncio runner or event_loop fixture stands for."""
    if hook.kind != "fixture":
        return None
    name = hook.name
    if name.endswith("_scoped_runner") and name[0] == "_":
        return name[1 : -len("_scoped_runner")]
    loops = name == "event_loop" or name.endswith("<event_loop>")
    older = name.startswith("_") and name.endswith("_event_loop")
    return hook.caching_scope if loops or older else None
