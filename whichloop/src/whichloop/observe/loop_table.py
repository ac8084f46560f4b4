"""Every event loop there is: born, running, closed, gone; whose it is, and in which thread."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sys
import threading
from collections import deque
from types import FrameType
from typing import TYPE_CHECKING, Any

from whichloop.actors import NOBODY, Actor
from whichloop.observe import frames as sites
from whichloop.observe.live import LiveLoop, Ref
from whichloop.observe.scene import Scene

if TYPE_CHECKING:
    from whichloop.records import Ran

# Loops that are gone, for the report of an object that outlived one of them.
MAX_DEAD = 64
# Enough for any report; a test that runs more loops than this names the latest.
MAX_RAN = 50

running_loop = asyncio._get_running_loop


class LoopTable(Scene):
    """Loops by identity, held weakly; ``all_loops`` and ``ran`` are filled while recording."""

    def __init__(self) -> None:
        super().__init__()
        self.tick = itertools.count(1)
        self.recording = False
        self.all_loops: list[LiveLoop] = []
        self.ran: list[Ran] = []
        self.ran_here: list[LiveLoop] = []
        self.dead_loops: deque[LiveLoop] = deque(maxlen=MAX_DEAD)
        self.loops: dict[int, LiveLoop] = {}
        self._numbers = itertools.count()

    def loop_born(self, loop: Any, frame: FrameType | None) -> LiveLoop:
        """Called once a loop has been made (or is first met, for one made unseen)."""
        live = LiveLoop(loop, next(self._numbers), next(self.tick))
        self.loops[id(loop)] = live
        live.ref = ref = Ref(loop, self._loop_gone)
        ref.key = id(loop)
        if self.recording:
            self.all_loops.append(live)
        hook = self.hooks[-1] if self.hooks else NOBODY
        scope = _runner_scope(hook)
        if scope is not None:
            # The common case, once a test: the hooks know, the stack need not be read.
            live.runner = "pytest-asyncio"
            live.scope = scope
            live.opened_by = self.hooks[0] if scope == "function" else hook
            return live
        live.runner, live.opened_at = sites.runner_of(frame)
        live.opened_by = hook
        if live.opened_at is None and live.runner in ("portal", "asyncio.run"):
            self._caller(live)
        if live.runner == "anyio":
            live.scope = hook.caching_scope if hook.kind == "fixture" else "function"
        if hook.kind == "unknown" and live.opened_at is not None:
            live.opened_by = Actor("code", live.opened_at.function)
        return live

    @staticmethod
    def _caller(live: LiveLoop) -> None:
        """A loop born in a thread that a library started: the caller waits in the main one."""
        main = threading.main_thread().ident
        if main is None or main == threading.get_ident():
            return
        frame = sys._current_frames().get(main)
        while frame is not None:
            runner = sites.RUNNERS.get(frame.f_globals.get("__name__", ""))
            if runner in ("TestClient", "async_to_sync"):
                live.runner = runner
            if sites.is_user_file(frame.f_code.co_filename):
                if live.runner != "asyncio.run":
                    live.opened_at = sites.site_of(frame.f_code, frame.f_lineno)
                return
            frame = frame.f_back

    def _loop_gone(self, ref: Ref) -> None:
        live = self.loops.pop(ref.key, None)
        if live is not None:
            self.dead_loops.append(live)

    def loop(self, loop: Any) -> LiveLoop:
        """What is known of ``loop``; one that was made unseen is registered now."""
        live = self.loops.get(id(loop))
        if live is None or live.ref() is not loop:
            gone = self._finalizing(loop)
            if gone is not None:
                return gone
            live = self.loop_born(loop, sys._getframe(1))
            if live.runner == "new_event_loop":
                # Who meets a loop is not who made it.
                live.runner, live.opened_by, live.opened_at = "unknown", NOBODY, None
            if loop.is_closed():
                live.closed = live.born
        return live

    def _finalizing(self, loop: Any) -> LiveLoop | None:
        """A loop met in a finalizer: the collector has cleared the reference to it already, but
        nothing else can have its address."""
        for live in reversed(self.dead_loops):
            if live.address == id(loop) and live.closed is not None:
                return live
        return None

    def find_loop(self, loop: Any) -> LiveLoop | None:
        """What is known of ``loop``, without registering it."""
        live = self.loops.get(id(loop))
        return live if live is not None and live.ref() is loop else None

    def running_here(self) -> LiveLoop | None:
        """The loop that runs in this thread. Between two tests there should be none."""
        loop = running_loop()
        return None if loop is None else self.loop(loop)

    def loop_closed(self, loop: Any) -> None:
        live = self.loops.get(id(loop))
        if live is not None and live.closed is None and live.ref() is loop:
            live.closed = next(self.tick)
            live.closed_by = self.actor()

    def loop_runs(self, loop: Any) -> None:
        """Called each time a loop starts to run."""
        live = self.loops.get(id(loop))
        if live is None or live.ref() is not loop:
            live = self.loop(loop)
        ident = threading.get_ident()
        if live.ident != ident:
            live.ident = ident
            live.thread = threading.current_thread().name
        here = self.ran_here
        if not here or here[-1] is not live:
            here.append(live)
            if len(here) > MAX_RAN:
                del here[0]
        if self.recording and self.hooks:
            self._note_run(live)

    def _note_run(self, live: LiveLoop) -> None:
        from whichloop.records import Ran

        who = self.hooks[-1]
        last = self.ran[-1] if self.ran else None
        if last is None or (last.kind, last.name, last.loop) != (who.kind, who.name, live.name):
            self.ran.append(
                Ran(
                    who.kind,
                    who.name,
                    live.name,
                    next(self.tick),
                    who.caching_scope,
                    who.loop_scope or (live.scope if who.kind == "test" else None),
                )
            )


@functools.lru_cache(maxsize=64)
def _runner_scope(hook: Actor) -> str | None:
    """The loop scope that a pytest-asyncio runner or event_loop fixture stands for."""
    if hook.kind != "fixture":
        return None
    name = hook.name
    if name.endswith("_scoped_runner") and name[0] == "_":
        return name[1 : -len("_scoped_runner")]
    if name == "event_loop" or name.endswith("<event_loop>"):
        return hook.caching_scope
    if name.startswith("_") and name.endswith("_event_loop"):
        return hook.caching_scope
    return None
