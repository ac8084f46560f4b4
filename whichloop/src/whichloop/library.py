"""For production code and scripts, without pytest: which loop does this object belong to, and what
went wrong in this block?"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from whichloop.diagnose.explain import explain, is_told
from whichloop.observe import peek
from whichloop.observe.probes.registry import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.present.section import render
from whichloop.records import Finding

install, uninstall = REGISTRY.install, REGISTRY.uninstall


class Binding(NamedTuple):
    """The answer of :func:`loop_of`. ``known`` is False for an object that no probe knows;
    ``loops`` has each loop that the object, or a connection it holds, is bound to (empty: not bound
    yet); ``looked_at`` says what the answer rests on."""

    known: bool
    label: str
    loops: tuple[asyncio.AbstractEventLoop, ...]
    looked_at: tuple[str, ...]

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop, where there is exactly one."""
        return self.loops[0] if len(self.loops) == 1 else None

    def __str__(self) -> str:
        if not self.known:
            return f"{self.label}: not an object that whichloop knows"
        names = " and ".join(map(_words, self.loops)) or "no loop yet"
        return f"{self.label}: bound to {names} (looked at {', '.join(self.looked_at)})"


class LoopMismatch(AssertionError):
    """Raised by :func:`assert_same_loop`; its text names each object, its loop and the source."""


def _words(loop: Any) -> str:
    live, state = TRACKER.loops.find(loop), peek.loop_state(loop)
    if live is not None and live.record.runner != "unknown":
        return f"loop {live.record.id}, the {live.record.owner} ({state})"
    return f"the {peek.class_of(loop)[1]} at {id(loop):#x} ({state})"


def loop_of(obj: Any) -> Binding:
    """The event loop that ``obj`` is bound to, read from what the object holds; the README lists
    what it knows. Never waits, connects or imports; raises nothing."""
    reading = REGISTRY.read(obj)
    if reading is None:
        return Binding(False, ".".join(peek.class_of(obj)), (), ())
    return Binding(True, reading.label, tuple(reading.loops), reading.looked_at)


def assert_same_loop(*objects: Any) -> tuple[Binding, ...]:
    """What was seen of each of the ``objects``, which share one loop with each other and with the
    running one, or are not bound yet. Raises :class:`LoopMismatch` where two loops differ, and
    :class:`TypeError` for no object at all or one whose loop cannot be read: a check that cannot
    check must not pass."""
    if not objects:
        raise TypeError("assert_same_loop needs at least one object")
    seen = tuple(loop_of(obj) for obj in objects)
    unknown = [str(binding) for binding in seen if not binding.known]
    if unknown:
        raise TypeError("; ".join(unknown))
    running = asyncio._get_running_loop()
    if len(peek.distinct([running, *(loop for binding in seen for loop in binding.loops)])) > 1:
        lines = [str(binding) for binding in seen]
        if running is not None:
            lines.append(f"running here: {_words(running)}")
        raise LoopMismatch("more than one event loop:\n  " + "\n  ".join(lines))
    return seen


def explain_error(error: BaseException) -> Finding | None:
    """What ``error`` has to do with event loops, from what was watched; None if nothing."""
    failure, recording = TRACKER.evidence(error, "", "", REGISTRY.objects_in, is_told)
    running = asyncio._get_running_loop()
    if running is not None:
        failure = failure._replace(used_on=TRACKER.loop(running).record.id)
    return explain(recording, failure)


@contextmanager
def watch() -> Iterator[None]:
    """Watch the block, a whole run or a part of a coroutine; a loop error that leaves it gets the
    explanation as a note. The probes stay in place after the block, so that the next one (the next
    Celery task or ``asyncio.run``) knows what was bound in this; :func:`uninstall` removes them."""
    __tracebackhide__ = True
    install()
    before = len(TRACKER.crossings)
    try:
        yield
    except BaseException as error:
        with TRACKER.guarded("watch"):
            finding = explain_error(error)
            if finding is not None:
                BaseException.add_note(error, "whichloop:\n" + render(finding))
        raise
    finally:
        del TRACKER.crossings[before:]
