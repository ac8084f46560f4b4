"""From an exception to records: its chain, the lines it passed, the objects on its way."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from whichloop.observe import frames as sites
from whichloop.observe.probes import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.records import Failure, Frame, ObjectRecord, Recording

MAX_CHAIN = 12
MAX_LOCALS = 60
MAX_TEXT = 2000


def chain_of(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from or in, and a group's members; each once."""
    found: list[BaseException] = []
    todo: list[BaseException] = [error]
    while todo and len(found) < MAX_CHAIN:
        one = todo.pop(0)
        if any(one is other for other in found):
            continue
        found.append(one)
        todo.extend(getattr(one, "exceptions", ()) or ())
        if one.__cause__ is not None:
            todo.append(one.__cause__)
        elif one.__context__ is not None:
            todo.append(one.__context__)
    return found


def _name(error: BaseException) -> str:
    kind = type(error)
    # pytest raises ScopeMismatch for a reader of reports, with the text in another attribute.
    return kind.__name__


def _text(error: BaseException) -> str:
    try:
        text = str(error) or str(getattr(error, "msg", "") or "")
    except Exception:
        return "(its text could not be made)"
    return text[:MAX_TEXT]


def _steps(tb: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while tb is not None:
        yield tb.tb_frame, tb.tb_lineno
        tb = tb.tb_next


def failure_of(error: BaseException, during: str, phase: str) -> tuple[Failure, list[FrameType]]:
    """The record of an exception, and the frames it passed, the innermost first.

    The frames are for :func:`recording_for`; nothing may keep them.
    """
    chain = chain_of(error)
    records: list[Frame] = []
    frames: list[FrameType] = []
    # The causes' own lines first: the error raised last has the outermost view.
    for one in reversed(chain):
        for frame, line in _steps(one.__traceback__):
            code = frame.f_code
            module = frame.f_globals.get("__name__", "")
            user = sites.is_user_file(code.co_filename)
            record = Frame(module, sites.site_of(code, line), user)
            if record not in records:
                records.append(record)
            frames.append(frame)
    outer = [
        sites.site_of(frame.f_code, line)
        for frame, line in _steps(error.__traceback__)
        if sites.is_user_file(frame.f_code.co_filename)
    ]
    if outer:
        # The crossing line is the innermost line of the suite's own in the error as raised.
        last = outer[-1]
        records.sort(key=lambda record: record.user and record.site == last)
    using = TRACKER.ran_here[-1].name if TRACKER.ran_here else None
    texts = tuple((_name(one), _text(one)) for one in chain)
    running = TRACKER.running_here()
    left = running.name if running is not None else None
    return Failure(texts, tuple(records), during, phase, using, left), frames[::-1]


def recording_for(failure: Failure, frames: list[FrameType]) -> Recording:
    """What was seen in this phase, with the loop-bound objects in the traceback's own values
    where nothing was followed that crossed."""
    recording = TRACKER.snapshot()
    if recording.crossings:
        return recording
    objects: list[ObjectRecord] = []
    loops = {loop.id: loop for loop in recording.loops}
    seen: set[int] = set()
    for frame in frames:
        for value in list(frame.f_locals.values())[:MAX_LOCALS]:
            if id(value) in seen:
                continue
            seen.add(id(value))
            found = _object(value)
            if found is not None:
                record, live_loop = found
                objects.append(record)
                if live_loop is not None:
                    loops[live_loop.id] = live_loop
    # An object that has a loop is worth more than one that has none; a driver's more than a task.
    objects.sort(
        key=lambda one: (one.type not in ("Task", "Future"), one.bound_to is not None), reverse=True
    )
    wrong = [one for one in objects if one.bound_to not in (None, failure.used_on)]
    rest = [one for one in objects if one not in wrong]
    return Recording(tuple(loops.values()), tuple(wrong or rest[:1]), (), (), recording.settings)


def _object(value: Any) -> tuple[ObjectRecord, Any] | None:
    live = TRACKER.find(value)
    if live is not None:
        return live.record(), live.loop.record() if live.loop else None
    reading = REGISTRY.read(value)
    if reading is None or not reading.loops:
        return None
    loop = TRACKER.loop(reading.loops[-1])
    driver = reading.label.split()[0].lower()
    kind = type(value)
    record = ObjectRecord(
        seq=-1,
        driver=driver,
        label=reading.label,
        type=kind.__name__,
        bound_to=loop.name,
    )
    return record, loop.record()
