"""Callbacks added to a future of another loop: that raises nothing, and they may never run. Looked
for in strict mode, among what fixtures and the test's module hold."""

import asyncio
from collections.abc import Iterable
from typing import Any

from whichloop.observe import frames, peek
from whichloop.observe.tracker import TRACKER
from whichloop.observe.ways import reach


def pending(values: Iterable[Any]) -> list[tuple[Any, int]]:
    """The futures that are not done yet, each with how many callbacks it has."""
    found = (value for value in reach(values, 2) if peek.is_a(value, asyncio.Future))
    return [(one, len(_of(one))) for one in found if peek.attribute(one, "_state") == "PENDING"]


def _of(future: Any) -> list[Any]:
    return peek.items(peek.attribute(future, "_callbacks"))


def added(before: list[tuple[Any, int]]) -> None:
    """Note each future that has got a callback since, and whose loop did not run."""
    ran = TRACKER.loops.ran_here
    for future, count in before:
        loop, now = peek.loop_in(future, "_loop"), _of(future)
        if len(now) <= count or loop is None or not ran or ran[-1].ref() is loop:
            continue
        if peek.loop_state(loop) == "running":  # in a thread of its own
            continue
        live = TRACKER.find(future)
        if live is None:
            kind = peek.class_of(future)[1]
            label = f"asyncio {kind}"
            live = TRACKER.built(future, "asyncio", label, None, type_name=kind, loop=loop)
        TRACKER.crossed(live, ran[-1].record.id, None)
        use, _, record = TRACKER.crossings[-1]
        code = getattr(peek.function_of(peek.items(now[-1])[0]), "__code__", None)
        if code is not None and frames.is_user_file(code.co_filename):
            use = use._replace(at=frames.site_of(code, code.co_firstlineno))
        TRACKER.crossings[-1] = (use, live, record)
