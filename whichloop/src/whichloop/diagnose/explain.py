"""From what was seen to what it means. Pure: records in, a finding out."""

import re
from typing import Any

from whichloop import messages
from whichloop.diagnose import causes, tasks
from whichloop.diagnose.case import RUNS, Case, Cause, made
from whichloop.messages import Message
from whichloop.records import (
    HUNG,
    NOBODY,
    Actor,
    Crossing,
    Failure,
    Finding,
    Frame,
    ObjectRecord,
    Recording,
    Wait,
)

PLUGINS = {"pytest-asyncio", "anyio", "pytest-trio", "pytest-aiohttp"}
_RUNS = RUNS | {"async_to_sync"}
# Of two objects that crossed at the same line the one nearer to the user is the one to name.
_RANK = {"sqlalchemy": 0, "motor": 0, "pymongo": 0, "asyncpg": 1, "asyncio": 3}
_REFUSED = re.compile(r"access the (\w+) scoped fixture .*? with a (\w+) scoped")
# A line of the list in which pytest says which fixtures asked for what it refused.
_REQUESTING = re.compile(r"^(\S.*):(\d+):\s+def (\w+)\(", re.M)
_NO_MESSAGE = (
    "likely, not certain: the message is not one of those known to come from several loops"
)
_NO_OBJECT = "Something made in one part of this run was used in another, where it cannot work."
_LEFT_OPEN = "A {thing} is still open, and the part of the run that it belongs to has ended."
_LEFT_RUNNING = "This test could not start: an earlier step of this run still has its machinery on."
_WAITED = "This test waited for something that cannot come: what would bring it has stopped."
_HUNG = "likely: read from what the test was waiting for when it was ended"
_STARTED_TWICE = "What runs this code was asked to start a second time, which it cannot do."


def is_told(failure: Failure, text: str = "") -> bool:
    """Is its message, or the ``text`` beside it in a log, one of the catalogue?"""
    return messages.find([*(f"{kind}: {said}" for kind, said in failure.chain), text]) is not None


def explain(recording: Recording, failure: Failure) -> Finding | None:
    """What a failure has to do with event loops; None where nothing says it has. A message of the
    catalogue speaks for itself. Any other failure is explained only if its traceback passes through
    a line at which an object was used on a loop not its own."""
    texts = [f"{kind}: {text}" for kind, text in failure.chain]
    match = messages.find(texts)
    crossing = choose(recording, failure)
    if match is None:
        if crossing is not None and crossing.at in {frame.site for frame in failure.frames}:
            return _crossed(recording, failure, crossing)._replace(sure=_NO_MESSAGE)
        return _waited(recording, failure, failure.wait) if failure.wait is not None else None
    message, text = match
    called: ObjectRecord | None = None
    if failure.lines:
        at = texts.index(text)
        failure = failure._replace(at=failure.lines[at])
        called = failure.called[at] if failure.called else None
    if message.id == "scope-mismatch":
        return _scope_mismatch(recording, failure, message, text)
    case = _case(recording, failure)
    noun = case.noun(messages.driver_hint(message, text))
    # What the message alone says, with the cures that it alone calls for.
    plain = _finding(
        case,
        failure,
        message.cause,
        message,
        sure=message.sure,
        sentence=f"{message.says}.",
        cures=made(message.cures, {"noun": noun}, case),
    )
    if message.id == "wrong-task":
        return tasks.wrong_task(recording, failure, plain, called)
    if message in messages.OTHER:
        return plain
    if message.id in ("loop-running", "nested-run"):
        return _running_already(recording, failure, message, plain)
    if crossing is not None:
        return _crossed(recording, failure, crossing, message)
    if message.id == "concurrent-use":
        if called is not None and called.bound_to not in (None, failure.used_on):
            return _unseen(recording._replace(objects=(called,)), failure, message, plain)
        bound = recording.loop(called.bound_to) if called else None
        case = case._replace(obj=called, bound=bound)
        return _concurrent(case, failure, message, plain, recording)
    if message.id == "operation-in-progress":
        return _concurrent(case, failure, message, plain, recording)
    return _unseen(recording, failure, message, plain)


def explain_crossing(
    recording: Recording, crossing: Crossing, phase: str, test_scope: str | None
) -> Finding:
    """A crossing that nothing failed at (yet)."""
    silent = Failure((), during=crossing.during, phase=phase, test_scope=test_scope)
    return _crossed(recording, silent, crossing)


def explain_left_open(case: Case, during: str) -> Finding:
    """A connection that a closed loop left behind, which nothing failed at yet."""
    failure = Failure((), during=during, phase="teardown")
    sentence = f"{causes.OUTLIVES.meaning}; nothing failed yet."
    headline = _LEFT_OPEN.format(thing=case.noun())
    return _finding(case, failure, causes.OUTLIVES, sentence=sentence, headline=headline)


def choose(recording: Recording, failure: Failure) -> Crossing | None:
    """The crossing that a failure is about: one at a line of its traceback, the latest such;
    of several at one line the object nearest to the user."""
    if not recording.crossings:
        return None
    lines = {frame.site for frame in failure.frames}
    pool = [use for use in recording.crossings if use.at in lines] or list(recording.crossings)
    last = pool[-1]
    drivers = {obj.seq: obj.driver for obj in recording.objects}
    same = [use for use in pool if use.at == last.at and use.used_on == last.used_on]
    return min(same, key=lambda use: _RANK.get(drivers.get(use.seq, ""), 2))


def cause_of(case: Case, tick: int) -> Cause:
    """The cause of a use at ``tick``, from the two loops alone: the first that holds."""
    bound, using, runners = case.bound, case.using, case.runners
    if bound is None or using is None:
        return causes.UNKNOWN
    holds = (
        (causes.PORTAL, runners & {"TestClient", "portal"}),
        (causes.TWO_PLUGINS, len(runners & PLUGINS) > 1),
        (causes.REPEATED, "async_to_sync" in runners),
        (causes.THREAD, bound.thread != using.thread and "unittest" not in runners),
        (causes.REPEATED, runners & _RUNS),
        (causes.OUTLIVES, bound.closed is not None and bound.closed < tick),
        (causes.MISMATCH, runners & PLUGINS),
    )
    return next((cause for cause, held in holds if held), causes.UNKNOWN)


def _finding(
    case: Case, failure: Failure, cause: Cause, message: Message | None = None, **changes: Any
) -> Finding:
    """What the failure, the case and the cause say, but for ``changes``."""
    headline = message.headline if message else ""
    if not headline:
        named = case.obj is not None or not cause.about_loops
        headline = cause.headline.format(thing=case.noun()) if named else _NO_OBJECT
    finding = Finding(
        cause.name,
        cause.sentence(case),
        "sure",
        message.id if message else None,
        failure.during,
        failure.phase,
        case.obj,
        case.bound,
        case.using,
        case.used_by,
        failure.crossing_line,
        cause.cures(case),
        headline,
        cause.code,
    )
    return finding._replace(**changes)


def _case(recording: Recording, failure: Failure, obj: ObjectRecord | None = None) -> Case:
    """An object, or the last one seen, and the loop that the failing phase ran on."""
    obj = obj or next(reversed(recording.objects), None)
    return Case(
        recording.settings,
        obj,
        recording.loop(obj.bound_to) if obj else None,
        recording.loop(failure.used_on),
        failure.by,
        failure.test_scope,
    )


def _crossed(
    recording: Recording, failure: Failure, crossing: Crossing, message: Message | None = None
) -> Finding:
    bound = recording.loop(crossing.bound_to)
    obj = next((obj for obj in recording.objects if obj.seq == crossing.seq), None)
    using = recording.loop(crossing.used_on)
    # Tasks that a fixture starts do not have it on their stacks; the failure passed through it.
    fixtures = crossing.by.kind == "test" and failure.by.kind == "fixture"
    by = failure.by if fixtures else crossing.by
    case = Case(recording.settings, obj, bound, using, by, failure.test_scope)
    during = failure.during or crossing.during
    cause = cause_of(case, crossing.tick)
    if failure.phase == "teardown" and cause in (causes.MISMATCH, causes.OUTLIVES) and bound:
        # The test's own object, or one that its open loop shares with others?
        left_by_test = bound.closed is None or bound.opened_by.name == during
        if left_by_test and case.thing.bound_by.kind == "test":
            cause = causes.TEARDOWN
    line = crossing.at or failure.crossing_line
    return _finding(case, failure, cause, message, during=during, crossing_line=line)


def _waited(recording: Recording, failure: Failure, wait: Wait) -> Finding:
    """A hang that something has ended: who would have to wake what the test waits for."""
    failure = failure._replace(at=wait.line)
    case = _case(recording, failure, wait.obj)._replace(bound=recording.loop(wait.loop))
    cause, tick = causes.THREAD, 0
    if case.bound is not None and wait.loop != failure.used_on:
        using = case.using
        tick = using.born if case.bound.closed is None and using else (case.bound.closed or 0) + 1
        cause = cause_of(case, tick)
    finding = _finding(case, failure, cause, headline=_WAITED, sure=_HUNG)
    sentence = f"{finding.sentence.rstrip('.')}: {wait.how}."
    finding = finding._replace(message=HUNG, sentence=sentence)
    if wait.loop == failure.used_on:
        cures = made(["wake-it"], {}, case)
        finding = finding._replace(sentence=f"{wait.how}.", cures=cures)
    return finding


def _concurrent(
    case: Case, failure: Failure, message: Message, plain: Finding, recording: Recording
) -> Finding:
    """ "another operation is in progress" with no use on another loop: two tasks at once, or what
    an earlier test left on the connection."""
    obj = case.obj
    if obj is not None and obj.left_by is not None:
        left = recording.loop(obj.left_on)
        then = case._replace(using=left or case.using, used_by=Actor("test", obj.left_by))
        cause = cause_of(then, left.born) if left else causes.MISMATCH
        changes = {
            "sure": "likely",
            "sentence": f"an operation begun on another loop by {obj.left_by} was never ended.",
            "cures": cause.cures(then),
        }
        return _finding(case, failure, cause, message, **changes)
    return tasks.at_once(case, failure, message, plain)


def _running_already(
    recording: Recording, failure: Failure, message: Message, plain: Finding
) -> Finding:
    """A loop could not start: one was left running, or runs the very code that asked for it. A
    Runner in the traceback is not what is wrong: no object is named, only the loops."""
    settings = recording.settings
    left, around = recording.loop(failure.running), recording.loop(failure.used_on)
    if around is not None and failure.crossing_line is not None and left in (None, around):
        case = Case(settings, using=around, used_by=failure.by)
        changes = {
            "sentence": f"code that loop {around.id} runs asked to start a loop in the same "
            "thread.",
            "headline": _STARTED_TWICE,
            "cures": made(*_of_the_caller(failure.frames), case=case),
        }
        return _finding(case, failure, causes.REPEATED, message, **changes)
    if left is None:
        return plain if plain.object else plain._replace(headline=_STARTED_TWICE)
    by = left.opened_by if left.opened_by.name else "what is not known"
    changes = {
        "sentence": f"loop {left.id} was left running by {by}, and a thread can run no second loop "
        "until the first has stopped.",
        "headline": _LEFT_RUNNING,
    }
    return _finding(Case(settings, bound=left), failure, causes.TWO_PLUGINS, message, **changes)


def _of_the_caller(frames: tuple[Frame, ...]) -> tuple[list[str], dict[str, str]]:
    """What cures a loop that is started where one runs: whoever asked for it can await, or is a
    plain function, which a coroutine calls that may be one of the user's."""
    asked, *around = (frame for frame in reversed(frames) if frame.user)
    if not asked.plain:
        return ["await-it"], {}
    caller = next((frame.site.function for frame in around if not frame.plain), "")
    words = {"function": asked.site.function, **({"caller": caller} if caller else {})}
    return ["to-thread", "thread-inside"] if caller else ["thread-inside", "to-thread"], words


def _scope_mismatch(recording: Recording, failure: Failure, message: Message, text: str) -> Finding:
    """pytest refused before there was an object or a loop: none is named, but the fixture, which is
    the last of those that pytest lists."""
    scopes = _REFUSED.search(text)
    loop, scope = scopes.groups() if scopes else ("function", "session")
    stack = _REQUESTING.findall(text.partition("Requested fixture")[0])
    file, line, name = stack[-1] if stack else ("", "", "")
    which, words = f"cached for the {scope}", {"scope": scope}
    case = Case(recording.settings)
    if name:
        which = f"fixture {name} ({file}:{line}) is {which}, and runs on a {loop} loop"
        words["fixture"] = f"fixture {name}"
    changes = {
        "sure": message.sure,
        "sentence": f"{message.says}: {which}.",
        "cures": made(message.cures, words, case),
        "used_by": Actor("fixture", name, scope, loop) if name else NOBODY,
    }
    return _finding(case, failure, causes.MISMATCH, message, **changes)


def _unseen(recording: Recording, failure: Failure, message: Message, plain: Finding) -> Finding:
    """A loop error whose object was never followed: what the traceback's own values tell."""
    for obj in recording.objects:
        case = _case(recording, failure, obj)
        bound, using = case.bound, case.using
        if bound is None or (bound.closed is None if using is None else bound.id == using.id):
            continue
        cause = causes.OUTLIVES  # used in a finalizer, or in code between two runs
        if using is not None:
            cause = cause_of(case, using.born if bound.closed is None else bound.closed + 1)
        sure = "likely: read from the values in the traceback"
        return _finding(case, failure, cause, message, sure=sure)
    sure = "sure of two loops; the object is not one that whichloop knows"
    if message.id == "library-guard":
        sure = message.sure
    elif message in messages.MAYBE:
        sure = "not known: no use on another loop was seen in this test"
    case, changes = _case(recording, failure), {"sentence": plain.sentence, "cures": plain.cures}
    return _finding(case, failure, causes.UNKNOWN, message, sure=sure, **changes)
