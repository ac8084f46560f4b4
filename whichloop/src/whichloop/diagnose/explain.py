"""From what was seen to what it means. Pure: records in, a record out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from whichloop import messages as catalogue
from whichloop.diagnose.advice import BY_MESSAGE, cures_for, cures_for_running, made
from whichloop.diagnose.causes import Case, left_running, noun
from whichloop.records import NOBODY, Actor, Crossing, Failure, Finding, Recording

# Of two objects that crossed at the same line the one nearer to the user is the one to name.
_RANK = {"sqlalchemy": 0, "motor": 0, "pymongo": 0, "asyncpg": 1, "asyncio": 3}


def explain(recording: Recording, failure: Failure) -> Finding | None:
    """What a failure has to do with event loops; None where nothing says it has.

    A message of the catalogue speaks for itself. Any other failure is explained only if its
    traceback passes through a line at which an object was used on a loop not its own.
    """
    texts = [f"{kind}: {text}" for kind, text in failure.chain]
    found = catalogue.find(texts)
    crossing = choose(recording, failure)
    if found is None:
        lines = {frame.site for frame in failure.frames}
        if crossing is None or crossing.at not in lines:
            return None
        return _crossed(
            recording,
            failure,
            crossing,
            None,
            "likely, not certain: the message is not one of those known to come from several loops",
        )
    message, text = found
    if message.id == "scope-mismatch":
        return _scope_mismatch(recording, failure, message, text)
    if message.nature == "other":
        return _said(recording, failure, message, text, "not a loop problem", message.sure)
    if message.id in ("loop-running", "nested-run"):
        return _running_already(recording, failure, message, text)
    if crossing is not None:
        return _crossed(recording, failure, crossing, message, "sure")
    if message.id == "operation-in-progress":
        return _concurrent(recording, failure, message, text)
    return _unseen(recording, failure, message, text)


def explain_crossing(recording: Recording, crossing: Crossing, phase: str) -> Finding:
    """A crossing that nothing failed at (yet)."""
    failure = Failure((), during=crossing.during, phase=phase)
    return _crossed(recording, failure, crossing, None, "sure")


def choose(recording: Recording, failure: Failure) -> Crossing | None:
    """The crossing that a failure is about: one at a line of its traceback, the latest such;
    of several at one line the object nearest to the user."""
    if not recording.crossings:
        return None
    lines = {frame.site for frame in failure.frames}
    here = [one for one in recording.crossings if one.at in lines]
    pool = here or list(recording.crossings)
    last = pool[-1]
    same = [one for one in pool if one.at == last.at and one.used_on == last.used_on]

    def rank(one: Crossing) -> int:
        obj = recording.object(one.seq)
        return _RANK.get(obj.driver if obj else "", 2)

    return min(same, key=rank)


def _finding(case: Case, failure: Failure, **said: Any) -> Finding:
    """What every finding says of the failure and of the case; ``said`` is the rest, and wins."""
    values = {
        "during": failure.during,
        "phase": failure.phase,
        "object": case.obj,
        "bound_loop": case.bound,
        "using_loop": case.using,
        "used_by": case.used_by,
        "crossing_line": failure.crossing_line,
    }
    return Finding(**(values | said))


def _case(recording: Recording, failure: Failure) -> Case:
    """The last object seen, and the loop that the failing phase ran on."""
    obj = recording.objects[-1] if recording.objects else None
    return Case(
        recording.settings,
        obj,
        recording.loop(obj.bound_to) if obj else None,
        recording.loop(failure.used_on),
        Actor("test", failure.during) if failure.during else NOBODY,
    )


def _crossed(
    recording: Recording,
    failure: Failure,
    crossing: Crossing,
    message: catalogue.Message | None,
    sure: str,
) -> Finding:
    case = Case(
        recording.settings,
        recording.object(crossing.seq),
        recording.loop(crossing.bound_to),
        recording.loop(crossing.used_on),
        crossing.by,
    )
    cause = case.cause(crossing.tick)
    return _finding(
        case,
        failure,
        cause=cause,
        sentence=case.sentence(cause),
        sure=sure,
        message=message.id if message else None,
        during=failure.during or crossing.during,
        crossing_line=crossing.at or failure.crossing_line,
        cures=cures_for(case, cause),
    )


def _said(
    recording: Recording,
    failure: Failure,
    message: catalogue.Message,
    text: str,
    cause: str,
    sure: str,
) -> Finding:
    """What the message alone says, with the cures that it alone calls for."""
    case = _case(recording, failure)
    thing = noun(case.obj, catalogue.driver_hint(message, text))
    ids = BY_MESSAGE.get(message.id, ())
    return _finding(
        case,
        failure,
        cause=cause,
        sentence=f"{message.says}.",
        sure=sure,
        message=message.id,
        cures=made(ids, recording.settings, noun=thing),
    )


def _concurrent(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    """ "another operation is in progress" with no use on another loop: two tasks at once."""
    case = _case(recording, failure)
    obj = case.obj
    if obj is not None and obj.left_by is not None:
        cause = "loop scope mismatch"
        said = f"an operation begun on another loop by {obj.left_by} was never ended."
        finding = _said(recording, failure, message, text, cause, "likely")
        return replace(
            finding, sentence=said, cures=cures_for(replace(case, used_by=NOBODY), cause)
        )
    if obj is not None and obj.bound_to is not None and obj.bound_to == failure.used_on:
        sure = f"sure: the connection belongs to loop {obj.bound_to}, and was used there"
    else:
        sure = "likely: no use on another loop was seen in this test"
    finding = _said(recording, failure, message, text, "not a loop problem", sure)
    said = "two tasks used one connection at the same time, on its own loop."
    return replace(finding, sentence=said)


def _running_already(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    """A loop could not start: one was left running, or runs the very code that asked for it.

    A Runner in the traceback is not what is wrong: no object is named, only the loops.
    """
    left, around = recording.loop(failure.running), recording.loop(failure.used_on)
    if around is not None and failure.crossing_line is not None and left in (None, around):
        left, cause = None, "asyncio.run repeated"
        sentence = f"code that loop {around.id} runs asked to start a loop in the same thread."
        cures = made(("await-it",), recording.settings)
    elif left is not None:
        around, cause = None, "two plugins"
        sentence, cures = left_running(left), cures_for_running(left, recording.settings)
    else:
        return _said(recording, failure, message, text, message.cause, message.sure)
    return _finding(
        Case(recording.settings, None, left, around),
        failure,
        cause=cause,
        sentence=sentence,
        sure="sure",
        message=message.id,
        cures=cures,
    )


def _scope_mismatch(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    requester = recording.objects[-1] if recording.objects else None
    scope = "session"
    for word in ("session", "package", "module", "class"):
        if f"with a {word} scoped" in text:
            scope = word
    words = {"scope": scope, "fixture": requester.built_by.name if requester else "in question"}
    # No object and no loop is named: pytest refused before there was any.
    return _finding(
        Case(recording.settings, None, None, None),
        failure,
        cause="loop scope mismatch",
        sentence=f"{message.says}: cached for the {scope}.",
        sure=message.sure,
        message=message.id,
        cures=made(BY_MESSAGE[message.id], recording.settings, **words),
    )


def _unseen(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    """A loop error whose object was never followed: what the traceback's own values tell."""
    last = _case(recording, failure)
    for obj in recording.objects:
        case = replace(last, obj=obj, bound=recording.loop(obj.bound_to))
        bound, using = case.bound, case.using
        if bound is None or (bound.closed is None if using is None else bound.id == using.id):
            continue
        if using is None:  # a finalizer, or code between two runs
            cause = "object outlives its loop"
        else:
            cause = case.cause(using.born if bound.closed is None else bound.closed + 1)
        return _finding(
            case,
            failure,
            cause=cause,
            sentence=case.sentence(cause),
            sure="likely: read from the values in the traceback",
            message=message.id,
            cures=cures_for(replace(case, used_by=NOBODY), cause),
        )
    if message.nature == "maybe":
        cause, sure = "unknown", "not known: no use on another loop was seen in this test"
    else:
        cause = "unknown"
        sure = "sure of two loops; the object is not one that whichloop knows"
    return _said(recording, failure, message, text, cause, sure)
