"""From what was seen to what it means. Pure: records in, a finding out."""

from typing import Any

from whichloop import messages
from whichloop.diagnose import causes
from whichloop.messages import Message
from whichloop.records import (
    NOBODY,
    Actor,
    Crossing,
    Failure,
    Finding,
    LoopRecord,
    ObjectRecord,
    Recording,
    Settings,
)

Match = tuple[Message, str]

PLUGINS = {"pytest-asyncio", "anyio", "pytest-trio", "pytest-aiohttp"}
RUNS = {"asyncio.run", "asyncio.Runner", "async_to_sync", "new_event_loop"}
# Of two objects that crossed at the same line the one nearer to the user is the one to name.
_RANK = {"sqlalchemy": 0, "motor": 0, "pymongo": 0, "asyncpg": 1, "asyncio": 3}
_NO_OBJECT = "Something made in one part of this run was used in another, where it cannot work."
_LEFT_RUNNING = "This test could not start: an earlier step of this run still has its machinery on."
_STARTED_TWICE = "What runs this code was asked to start a second time, which it cannot do."


def explain(recording: Recording, failure: Failure) -> Finding | None:
    """What a failure has to do with event loops; None where nothing says it has.

    A message of the catalogue speaks for itself. Any other failure is explained only if its
    traceback passes through a line at which an object was used on a loop not its own.
    """
    match = messages.find(f"{kind}: {text}" for kind, text in failure.chain)
    crossing = choose(recording, failure)
    if match is None:
        if crossing is None or crossing.at not in {frame.site for frame in failure.frames}:
            return None
        sure = (
            "likely, not certain: the message is not one of those known to come from several loops"
        )
        return _crossed(recording, failure, crossing, None, sure)
    message, text = match
    if message.id == "scope-mismatch":
        return _scope_mismatch(recording, failure, message, text)
    if message.nature == "other":
        return _by_message(recording, failure, match, causes.NOT_LOOPS, message.sure)
    if message.id in ("loop-running", "nested-run"):
        return _running_already(recording, failure, match)
    if crossing is not None:
        return _crossed(recording, failure, crossing, message, "sure")
    if message.id == "operation-in-progress":
        return _concurrent(recording, failure, match)
    return _unseen(recording, failure, match)


def explain_crossing(recording: Recording, crossing: Crossing, phase: str) -> Finding:
    """A crossing that nothing failed at (yet)."""
    failure = Failure((), during=crossing.during, phase=phase)
    return _crossed(recording, failure, crossing, None, "sure")


def explain_left_open(
    settings: Settings, obj: ObjectRecord, bound: LoopRecord | None, during: str
) -> Finding:
    """A connection that a closed loop left behind, which nothing failed at yet."""
    case = causes.Case(settings, obj, bound)
    sentence = f"{causes.OUTLIVES.meaning}; nothing failed yet."
    failure = Failure((), during=during, phase="teardown")
    return _finding(case, failure, causes.OUTLIVES, sure="sure", sentence=sentence)


def choose(recording: Recording, failure: Failure) -> Crossing | None:
    """The crossing that a failure is about: one at a line of its traceback, the latest such;
    of several at one line the object nearest to the user."""
    if not recording.crossings:
        return None
    lines = {frame.site for frame in failure.frames}
    pool = [use for use in recording.crossings if use.at in lines] or list(recording.crossings)
    last = pool[-1]
    same = [use for use in pool if use.at == last.at and use.used_on == last.used_on]

    def rank(crossing: Crossing) -> int:
        obj = recording.object(crossing.seq)
        return _RANK.get(obj.driver if obj else "", 2)

    return min(same, key=rank)


def cause_of(case: causes.Case, tick: int) -> causes.Cause:
    """The cause of a use at ``tick``, from the two loops alone."""
    bound, using, runners = case.bound, case.using, case.runners
    if bound is None or using is None:
        return causes.UNKNOWN
    if runners & {"TestClient", "portal"}:
        return causes.PORTAL
    if len(runners & PLUGINS) > 1:
        return causes.TWO_PLUGINS
    if "async_to_sync" in runners:
        return causes.REPEATED
    if bound.thread != using.thread and "unittest" not in runners:
        return causes.THREAD
    if runners & RUNS:
        return causes.REPEATED
    if bound.closed is not None and bound.closed < tick:
        return causes.OUTLIVES
    return causes.MISMATCH if runners & PLUGINS else causes.UNKNOWN


def left_open_by(test: str, case: causes.Case) -> bool:
    """At a teardown: is it the test's own object, or one that its open loop shares with others?"""
    obj, bound = case.obj, case.bound
    if obj is None or bound is None or obj.bound_by.kind != "test":
        return False
    return bound.closed is None or bound.opened_by.name == test


def _finding(
    case: causes.Case,
    failure: Failure,
    cause: causes.Cause,
    message: Message | None = None,
    *,
    sure: str,
    **other: Any,
) -> Finding:
    """What every finding says of the failure, the case and the cause; ``other`` is the rest, and
    wins."""
    headline = message.headline if message else ""
    if not headline:
        named = case.obj is not None or not cause.about_loops
        headline = cause.headline.format(thing=case.noun()) if named else _NO_OBJECT
    values: dict[str, Any] = {
        "cause": cause.name,
        "sentence": cause.sentence(case),
        "headline": headline,
        "sure": sure,
        "message": message.id if message else None,
        "during": failure.during,
        "phase": failure.phase,
        "object": case.obj,
        "bound_loop": case.bound,
        "using_loop": case.using,
        "used_by": case.used_by,
        "crossing_line": failure.crossing_line,
    }
    if "cures" not in other:
        values["cures"] = cause.cures(case)
    return Finding(**(values | other))


def _case(recording: Recording, failure: Failure) -> causes.Case:
    """The last object seen, and the loop that the failing phase ran on."""
    obj = recording.objects[-1] if recording.objects else None
    return causes.Case(
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
    message: Message | None,
    sure: str,
) -> Finding:
    case = causes.Case(
        recording.settings,
        recording.object(crossing.seq),
        recording.loop(crossing.bound_to),
        recording.loop(crossing.used_on),
        crossing.by,
    )
    during = failure.during or crossing.during
    cause = cause_of(case, crossing.tick)
    if failure.phase == "teardown" and cause in (causes.MISMATCH, causes.OUTLIVES):
        cause = causes.TEARDOWN if left_open_by(during, case) else cause
    return _finding(
        case,
        failure,
        cause,
        message,
        sure=sure,
        during=during,
        crossing_line=crossing.at or failure.crossing_line,
    )


def _by_message(
    recording: Recording,
    failure: Failure,
    match: Match,
    cause: causes.Cause,
    sure: str,
) -> Finding:
    """What the message alone says, with the cures that it alone calls for."""
    message, text = match
    case = _case(recording, failure)
    words = {"noun": case.noun(messages.driver_hint(message, text))}
    cures = causes.made(message.cures, recording.settings, words)
    sentence = f"{message.says}."
    return _finding(case, failure, cause, message, sure=sure, sentence=sentence, cures=cures)


def _concurrent(recording: Recording, failure: Failure, match: Match) -> Finding:
    """ "another operation is in progress" with no use on another loop: two tasks at once."""
    case = _case(recording, failure)
    obj = case.obj
    if obj is not None and obj.left_by is not None:
        finding = _by_message(recording, failure, match, causes.MISMATCH, "likely")
        return finding._replace(
            sentence=f"an operation begun on another loop by {obj.left_by} was never ended.",
            cures=causes.MISMATCH.cures(case._replace(used_by=NOBODY)),
        )
    sure = "likely: no use on another loop was seen in this test"
    if obj is not None and obj.bound_to is not None and obj.bound_to == failure.used_on:
        sure = f"sure: the connection belongs to loop {obj.bound_to}, and was used there"
    finding = _by_message(recording, failure, match, causes.NOT_LOOPS, sure)
    sentence = "two tasks used one connection at the same time, on its own loop."
    return finding._replace(sentence=sentence)


def _running_already(recording: Recording, failure: Failure, match: Match) -> Finding:
    """A loop could not start: one was left running, or runs the very code that asked for it.

    A Runner in the traceback is not what is wrong: no object is named, only the loops.
    """
    message, settings = match[0], recording.settings
    left, around = recording.loop(failure.running), recording.loop(failure.used_on)
    if around is not None and failure.crossing_line is not None and left in (None, around):
        return _finding(
            causes.Case(settings, using=around),
            failure,
            causes.REPEATED,
            message,
            sure="sure",
            sentence=f"code that loop {around.id} runs asked to start a loop in the same thread.",
            headline=_STARTED_TWICE,
            cures=causes.made(("await-it",), settings, {}),
        )
    if left is not None:
        by = f"by {left.opened_by}" if left.opened_by.name else "by what is not known"
        sentence = (
            f"loop {left.id} was left running {by}, "
            "and a thread can run no second loop until the first has stopped."
        )
        case = causes.Case(settings, bound=left)
        return _finding(
            case,
            failure,
            causes.TWO_PLUGINS,
            message,
            sure="sure",
            sentence=sentence,
            headline=_LEFT_RUNNING,
        )
    finding = _by_message(recording, failure, match, message.cause, message.sure)
    return finding if finding.object else finding._replace(headline=_STARTED_TWICE)


def _scope_mismatch(recording: Recording, failure: Failure, message: Message, text: str) -> Finding:
    """pytest refused before there was an object or a loop: none is named."""
    requester = recording.objects[-1] if recording.objects else None
    scopes = ("session", "package", "module", "class")
    scope = next((scope for scope in scopes if f"with a {scope} scoped" in text), "session")
    words = {"scope": scope, **({"fixture": requester.built_by.name} if requester else {})}
    return _finding(
        causes.Case(recording.settings),
        failure,
        causes.MISMATCH,
        message,
        sure=message.sure,
        sentence=f"{message.says}: cached for the {scope}.",
        cures=causes.made(message.cures, recording.settings, words),
    )


def _unseen(recording: Recording, failure: Failure, match: Match) -> Finding:
    """A loop error whose object was never followed: what the traceback's own values tell."""
    message, last = match[0], _case(recording, failure)
    for obj in recording.objects:
        case = last._replace(obj=obj, bound=recording.loop(obj.bound_to))
        bound, using = case.bound, case.using
        if bound is None or (bound.closed is None if using is None else bound.id == using.id):
            continue
        if using is None:  # a finalizer, or code between two runs
            cause = causes.OUTLIVES
        else:
            cause = cause_of(case, using.born if bound.closed is None else bound.closed + 1)
        return _finding(
            case,
            failure,
            cause,
            message,
            sure="likely: read from the values in the traceback",
            cures=cause.cures(case._replace(used_by=NOBODY)),
        )
    sure = "sure of two loops; the object is not one that whichloop knows"
    if message.nature == "maybe":
        sure = "not known: no use on another loop was seen in this test"
    return _by_message(recording, failure, match, causes.UNKNOWN, sure)
