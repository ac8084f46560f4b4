"""What waits in vain: the coroutines that a hang leaves suspended, what they wait for, and who
would have to wake it. Looked at when a hang has been ended, and nothing of it is run."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable, Iterable
from threading import Thread
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

from whichloop.observe import frames, peek
from whichloop.observe.loops import LiveLoop
from whichloop.observe.tracker import TRACKER
from whichloop.observe.ways import reach
from whichloop.records import Actor, ObjectRecord, Wait

Chain = tuple[list[FrameType], Any, bool]
MAX_CHAIN = 100
_DEPTH = 3
_AWAITED: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}
# Waits that nothing but time, or the other end of a connection, is to end.
_PEERS = ("asyncio.streams", "asyncio.selector_events", "asyncio.base_events")


def suspended(task: Any) -> Chain:
    """The frames in which a task waits, the innermost first, the future that it waits for, and
    whether that is done, so that the task could go on."""
    passed: list[FrameType] = []
    waits = peek.attribute(task, "_coro")
    for _ in range(MAX_CHAIN):
        if type(waits) in _AWAITED:
            frame, inner = (getattr(waits, name) for name in _AWAITED[type(waits)])
            passed += [frame] if frame is not None else []
            waits = inner
        elif peek.is_a(waits, asyncio.Task):
            waits = peek.attribute(waits, "_coro")
        elif peek.is_a(waits, asyncio.Future):
            return passed[::-1], waits, peek.attribute(waits, "_state") != "PENDING"
        else:
            # The iterator of a future, the step of an asynchronous generator, a wrapper.
            known = (*_AWAITED, asyncio.Future)
            held = gc.get_referents(waits)
            waits = next((one for one in held if any(peek.is_a(one, kind) for kind in known)), None)
    return passed[::-1], None, False


def ends(loop: Any) -> None:
    """A loop is about to end: note what its tasks still held, weakly."""
    live = TRACKER.loops.find(loop)
    error = sys.exc_info()[1]
    if live is None:
        return
    if error is not None and frames.is_hang(error) and not peek.is_a(error, TimeoutError):
        TRACKER.loops.hung += map(suspended, asyncio.all_tasks(loop))
        return
    for task in asyncio.all_tasks(loop):
        if task is TRACKER.loops.interrupted():
            continue  # it waited itself
        TRACKER.loops.ended.append((live, _name(task), list(map(_weak, _held_by(task)))))


def _weak(obj: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(obj)
    except TypeError:
        return lambda: None


def _held_by(task: Any) -> list[Any]:
    return reach(frames.locals_of(suspended(task)[0]), 1)


def _name(task: Any) -> str:
    return str(peek.attribute(task, "_coro", "__qualname__")).replace("<locals>.", "")


class Hang:
    """A hang, as the error that ended it and the frames around that (the innermost first) show it;
    ``fixtures`` gives the values of the test's."""

    def __init__(
        self, error: BaseException, passed: list[FrameType], fixtures: Iterable[tuple[Actor, Any]]
    ) -> None:
        self.fixtures = list(fixtures)
        inside = [f.f_locals for f in passed if f.f_code.co_name == "run_until_complete"]
        # A loop written in C has no frame there.
        last = [live.ref() for live in TRACKER.loops.ran_here[-1:]]
        ran = [*(held.get("self") for held in inside), *last]
        self.home = next((one for one in ran if peek.is_loop(one)), None)
        self.asleep = any(frame.f_code.co_name == "select" for frame in passed)
        main = [held.get("future") for held in inside]
        tasks = list(asyncio.all_tasks(self.home)) if self.home is not None else []
        first = [suspended(task) for task in tasks if any(task is one for one in main)]
        TRACKER.loops.interrupted = _weak(main[0] if main else None)
        # What a time limit or Ctrl-C has cancelled is told by its own traceback.
        chain = frames.chain_of(error)
        cancelled = (one for one in chain if peek.is_a(one, asyncio.CancelledError))
        unwound = next(map(frames.passed_by, cancelled), passed)
        rest = (suspended(task) for task in tasks if not any(task is one for one in main))
        self.chains = [*first, (unwound, None, False), *rest, *TRACKER.loops.hung]
        self.frames = [frame for chain, *_ in self.chains for frame in chain]
        # By the id of what a task of a loop that does not run holds: the loop, and the task.
        self.others: dict[int, tuple[LiveLoop, str]] = {}
        for live in list(TRACKER.loops.alive.values()):
            loop = live.ref()
            if loop is None or loop is self.home or peek.loop_state(loop) != "not running":
                continue
            for task in asyncio.all_tasks(loop):
                self.others |= {id(one): (live, _name(task)) for one in _held_by(task)}

    def wait(self) -> Wait | None:
        """What the hang is about; None where nothing tells."""
        for passed, future, done in self.chains:
            own = [frame for frame in passed if frames.is_user_file(frame.f_code.co_filename)]
            if not own or _is_for_others(passed[0]):
                continue
            line = frames.site_of(own[0].f_code, own[0].f_lineno)
            inner = frames.selfs_of(passed[: passed.index(own[0])])
            if self.asleep and done:
                home = TRACKER.loop(self.home).record.id
                how = "it was woken from outside its loop, which sleeps on and does not notice"
                return Wait(self._record(inner[-1] if inner else future), home, line, how)
            selfs = [*inner, *frames.selfs_of(own)]
            wanted = [*selfs[:1], future]
            for root in [*selfs, *frames.locals_of(own)]:
                if not any(root is one for one in selfs) and not _leads(root, wanted):
                    continue
                # A thread that has died says more than a task that may have ended beside it.
                values = sorted(
                    reach([root], _DEPTH), key=lambda value: not peek.is_a(value, Thread)
                )
                for value in values:
                    found = self._stopped(value, any(value is one for one in selfs))
                    if found is not None:
                        # To name a task or a thread says little: what leads to it was waited for.
                        if peek.is_a(value, asyncio.Task) or peek.is_a(value, Thread):
                            leads = (held for _, held in self.fixtures if _leads(held, [value]))
                            value = next(leads, root)
                        return Wait(self._record(value), found[0].record.id, line, found[1])
        return None

    def _stopped(self, value: Any, waited_for: bool) -> tuple[LiveLoop, str] | None:
        """The loop on which what would wake the wait has stopped, if the value tells of it."""
        if peek.is_a(value, asyncio.Task):
            loop = peek.loop_in(value, "_loop")
            if loop is not None and loop is not self.home and peek.loop_state(loop) != "running":
                return TRACKER.loop(loop), _ended(_name(value), peek.loop_state(loop) == "closed")
        if peek.is_a(value, Thread):
            died = (live for ref, live in TRACKER.loops.dead_threads if ref() is value)
            how = "its thread died when it turned to that loop, which was closed"
            return next(((live, how) for live in died), None)
        kinds = peek.bases(type(value))
        if waited_for or any(module.startswith("asyncio.") for module, *_ in kinds):
            for live, name, held in TRACKER.loops.ended:
                if any(ref() is value for ref in held):
                    return live, _ended(name, True)
            if id(value) in self.others:
                live, name = self.others[id(value)]
                return live, _ended(name, False)
        return None

    def _record(self, value: Any) -> ObjectRecord:
        live, (module, kind) = TRACKER.find(value), peek.class_of(value)
        top = module.partition(".")[0]
        is_own = any(name.partition(".")[0] == top for name, _ in frames.own_modules())
        label = "object" if is_own else f"{top} {kind}"
        plain = ObjectRecord(-1, "" if is_own else top, label, f"{module}.{kind}")
        record = live.record if live is not None else plain
        for by, held in self.fixtures:
            if _leads(held, [value]):
                longer = by.caching_scope not in (None, "function")
                kept = f"fixture {by.name}, cached for the {by.caching_scope}" if longer else None
                known = record.built_by.kind != "unknown"
                return record._replace(kept_by=kept, built_by=record.built_by if known else by)
        return record._replace(kept_by=frames.keeper(value, value, record.built_by))


def _leads(root: Any, wanted: list[Any]) -> bool:
    return any(value is obj for value in reach([root], _DEPTH + 1) for obj in wanted)


def _is_for_others(innermost: FrameType) -> bool:
    module = innermost.f_globals.get("__name__")
    return module in _PEERS or (module, innermost.f_code.co_name) == ("asyncio.tasks", "sleep")


def _ended(name: str, closed: bool) -> str:
    if closed:
        return f"task {name}, which would wake it, was on that loop and ended with it"
    return f"task {name}, which would wake it, is on that loop, which does not run meanwhile"
