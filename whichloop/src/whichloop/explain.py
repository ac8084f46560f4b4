"""From what was seen to what it means. Pure: records in, a record out."""

from __future__ import annotations

from dataclasses import replace

from . import catalogue
from .cures import cure
from .records import (
    NOBODY,
    Actor,
    Crossing,
    Cure,
    Failure,
    Finding,
    LoopRecord,
    ObjectRecord,
    Recording,
    Settings,
)

NOUNS = {
    "motor": "MongoDB client",
    "pymongo": "MongoDB client",
    "sqlalchemy": "database connection",
    "asyncpg": "database connection",
    "psycopg_pool": "connection pool",
    "redis": "Redis connection",
    "httpx": "HTTP connection",
    "aiohttp": "HTTP session",
    "grpc": "gRPC channel",
}
PLUGINS = ("pytest-asyncio", "anyio", "pytest-trio", "pytest-aiohttp")
RUNS = ("asyncio.run", "asyncio.Runner", "async_to_sync", "new_event_loop")
# Of two objects that crossed at the same line the one nearer to the user is the one to name.
_RANK = {"sqlalchemy": 0, "motor": 0, "pymongo": 0, "asyncpg": 1, "asyncio": 3}


def noun(obj: ObjectRecord | None, driver: str | None = None) -> str:
    """The thing in plain words, for readers who do not know asyncio."""
    name = obj.driver if obj else driver
    if obj is not None and obj.driver == "asyncio":
        return obj.type.rpartition(".")[2].lower()
    if obj is not None and "pool" in obj.label and obj.driver == "asyncpg":
        return "connection pool"
    return NOUNS.get(name or "", obj.label if obj else "object")


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
        return _other(recording, failure, message, text)
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


def cause_of(bound: LoopRecord | None, using: LoopRecord | None, tick: int) -> str:
    """The cause, from the two loops alone."""
    if bound is None or using is None:
        return "unknown"
    runners = {bound.runner, using.runner}
    if runners & {"TestClient", "portal"}:
        return "TestClient portal"
    if len(runners & set(PLUGINS)) > 1:
        return "two plugins"
    if "async_to_sync" in runners:
        return "asyncio.run repeated"
    if bound.thread != using.thread and "unittest" not in runners:
        return "second loop in a thread"
    if runners & set(RUNS):
        return "asyncio.run repeated"
    if bound.closed is not None and bound.closed < tick:
        return "object outlives its loop"
    if runners & set(PLUGINS):
        return "loop scope mismatch"
    return "unknown"


def _keeper(obj: ObjectRecord) -> tuple[str, str]:
    """What keeps an object longer than a test: a kind, and words for it; kind "" if not known."""
    if obj.kept_by:
        kind = "cache" if obj.kept_by.startswith("functools") else "module"
        return kind, obj.kept_by
    by = obj.built_by
    if by.cache:
        return "cache", f"functools cache {by.cache}"
    if by.kind == "import":
        return "module", f"{by}"
    if by.kind == "fixture" and by.caching_scope not in (None, "function"):
        return "fixture", f"fixture {by.name}, cached for the {by.caching_scope}"
    return "", ""


def _crossed(
    recording: Recording,
    failure: Failure,
    crossing: Crossing,
    message: catalogue.Message | None,
    sure: str,
) -> Finding:
    obj = recording.object(crossing.seq)
    bound, using = recording.loop(crossing.bound_to), recording.loop(crossing.used_on)
    cause = cause_of(bound, using, crossing.tick)
    kind, keeper = _keeper(obj) if obj else ("", "")
    sentence = _sentence(cause, bound, using, keeper)
    return Finding(
        cause=cause,
        sentence=sentence,
        sure=sure,
        message=message.id if message else None,
        during=failure.during or crossing.during,
        phase=failure.phase,
        object=obj,
        bound_loop=bound,
        using_loop=using,
        used_by=crossing.by,
        crossing_line=crossing.at or failure.crossing_line,
        cures=_cures(cause, recording.settings, obj, bound, using, kind, keeper, crossing.by),
    )


def _scope_words(loop: LoopRecord | None) -> str:
    if loop is None:
        return "a loop that is not known"
    return f"a {loop.scope} loop" if loop.scope else f"the {loop.owner}"


def _sentence(cause: str, bound: LoopRecord | None, using: LoopRecord | None, keeper: str) -> str:
    if cause == "loop scope mismatch":
        kept = f"; the object is kept by {keeper}" if keeper else ""
        return f"bound on {_scope_words(bound)}, used on {_scope_words(using)}{kept}."
    if cause == "object outlives its loop":
        kept = f" by {keeper}" if keeper else ", by what is not known,"
        dead = f" after loop {bound.id} was closed" if bound else ""
        return f"kept{kept}{dead}."
    if cause == "asyncio.run repeated" and keeper:
        return f"{catalogue.CAUSES[cause]}; the object is kept by {keeper}."
    return catalogue.CAUSES[cause] + "."


def _cures(
    cause: str,
    settings: Settings,
    obj: ObjectRecord | None,
    bound: LoopRecord | None,
    using: LoopRecord | None,
    kind: str,
    keeper: str,
    used_by: Actor = NOBODY,
) -> tuple[Cure, ...]:
    thing = noun(obj)
    place = keeper or "where it is kept"
    words = {"noun": thing, "place": place}
    engine = obj is not None and (obj.driver == "sqlalchemy" or obj.part_of == "AsyncEngine")
    primitive = obj is not None and obj.driver == "asyncio"
    ids: list[str] = []
    if cause == "loop scope mismatch":
        ids = _mismatch(settings, obj, bound, using, kind, used_by, words)
        if engine and kind:
            ids.append("null-pool")
    elif cause == "object outlives its loop":
        if (using and using.runner == "unittest") or (bound and bound.runner == "unittest"):
            ids = ["async-setup", *(["null-pool"] if engine else [])]
        elif obj is not None and obj.type in ("Future", "Task"):
            ids = ["own-future"]
        elif using is not None and using.runner == "anyio":
            ids = [*(["null-pool", "dispose"] if engine else []), "create-inside"]
        elif kind == "fixture" and obj is not None:
            words["fixture"] = obj.built_by.name
            words["scope"] = obj.built_by.caching_scope or "session"
            ids = ["one-loop", "cache-per-test"]
        elif primitive:
            ids = ["create-inside", "one-loop"]
        elif engine:
            ids = ["one-loop", "null-pool", "dispose"]
        else:
            ids = ["one-loop", "build-inside"]
    elif cause == "second loop in a thread":
        ids = ["owning-thread", "per-thread"]
    elif cause == "TestClient portal":
        both = bound is not None and using is not None and bound.runner == using.runner
        ids = ["with-testclient", "asgi-transport"] if both else ["asgi-transport"]
        if engine:
            ids.append("null-pool")
    elif cause == "two plugins":
        ids = ["one-plugin"]
    elif cause == "asyncio.run repeated":
        ids = ["one-run", "build-per-run", *(["null-pool"] if engine else [])]
        if obj is not None and obj.type in ("Future", "Task"):
            ids = ["own-future"]
    elif cause == "no running loop":
        ids = ["build-in-coroutine"]
    made = [cure(id, settings, **words) for id in ids]
    return tuple(one for one in made if one is not None)


def _mismatch(
    settings: Settings,
    obj: ObjectRecord | None,
    bound: LoopRecord | None,
    using: LoopRecord | None,
    kind: str,
    used_by: Actor,
    words: dict[str, str],
) -> list[str]:
    """Which side to move: the tests to the fixture's loop, or the fixture to the test's."""
    fixture_side, test_side = bound, using
    fixture = obj.bound_by if obj is not None else NOBODY
    if fixture.kind != "fixture" and used_by.kind == "fixture":
        fixture_side, test_side, fixture = using, bound, used_by
    wide = (fixture_side.scope if fixture_side else None) or "session"
    narrow = (test_side.scope if test_side else None) or "function"
    words["scope"] = wide
    marked = settings.test_loop_scope not in (None, narrow)
    explicit = fixture.loop_scope is not None and fixture.loop_scope not in (
        settings.fixture_loop_scope,
        None if settings.fixture_loop_scope else fixture.caching_scope,
    )
    order = ("function", "class", "module", "package", "session")
    if order.index(wide) < order.index(narrow):
        # The mirror image: the tests' loop lives longer than the fixtures'.
        words["narrow"] = narrow
        return ["fixture-to-test" if explicit else "fixtures-to-tests"]
    first = "test-mark" if marked else "one-loop-tests"
    if fixture.kind != "fixture":
        return ["test-mark" if marked else "one-loop"]
    if kind or fixture.caching_scope not in (None, "function"):
        # Cached for longer than a test: a loop per test would be worse, not better.
        return [first]
    words["narrow"] = narrow
    return [first, "fixture-to-test" if explicit else "fixtures-to-tests"]


def _other(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    ids = {
        "session-concurrency": ["one-per-task"],
        "too-many-clients": ["dispose-every"],
        "missing-greenlet": ["await-load"],
    }[message.id]
    return _plain(recording, failure, message, text, "not a loop problem", message.sure, ids)


def _concurrent(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    """ "another operation is in progress" with no use on another loop: two tasks at once."""
    obj = recording.objects[-1] if recording.objects else None
    if obj is not None and obj.left_by is not None:
        bound, using = recording.loop(obj.bound_to), recording.loop(failure.used_on)
        kind, keeper = _keeper(obj)
        cause = "loop scope mismatch"
        finding = _plain(recording, failure, message, text, cause, "likely", [])
        said = f"an operation begun on another loop by {obj.left_by} was never ended."
        cures = _cures(cause, recording.settings, obj, bound, using, kind, keeper)
        return replace(finding, sentence=said, cures=cures)
    if obj is not None and obj.bound_to is not None and obj.bound_to == failure.used_on:
        sure = f"sure: the connection belongs to loop {obj.bound_to}, and was used there"
    else:
        sure = "likely: no use on another loop was seen in this test"
    ids = ["one-per-task"]
    finding = _plain(recording, failure, message, text, "not a loop problem", sure, ids)
    said = "two tasks used one connection at the same time, on its own loop."
    return replace(finding, sentence=said)


def _scope_mismatch(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    requester = recording.objects[-1] if recording.objects else None
    scope = "session"
    for word in ("session", "package", "module", "class"):
        if f"with a {word} scoped" in text:
            scope = word
    words = {"scope": scope, "fixture": requester.built_by.name if requester else "in question"}
    made = [
        cure(id, recording.settings, **words) for id in ("loop-as-long-as-cache", "cache-per-test")
    ]
    return Finding(
        cause="loop scope mismatch",
        sentence=f"{message.says}: cached for the {scope}.",
        sure=message.sure,
        message=message.id,
        during=failure.during,
        phase=failure.phase,
        crossing_line=failure.crossing_line,
        cures=tuple(one for one in made if one is not None),
    )


def _unseen(
    recording: Recording, failure: Failure, message: catalogue.Message, text: str
) -> Finding:
    """A loop error whose object was never followed: what the traceback's own values tell."""
    using = recording.loop(failure.used_on)
    for obj in recording.objects:
        bound = recording.loop(obj.bound_to)
        if bound is None or using is None or bound.id == using.id:
            continue
        cause = cause_of(bound, using, using.born if bound.closed is None else bound.closed + 1)
        kind, keeper = _keeper(obj)
        return Finding(
            cause=cause,
            sentence=_sentence(cause, bound, using, keeper),
            sure="likely: read from the values in the traceback",
            message=message.id,
            during=failure.during,
            phase=failure.phase,
            object=obj,
            bound_loop=bound,
            using_loop=using,
            used_by=Actor("test", failure.during) if failure.during else NOBODY,
            crossing_line=failure.crossing_line,
            cures=_cures(cause, recording.settings, obj, bound, using, kind, keeper),
        )
    if message.nature == "maybe":
        cause, sure = "unknown", "not known: no use on another loop was seen in this test"
    elif message.cause == "no running loop":
        cause, sure = message.cause, message.sure
    else:
        cause = "unknown"
        sure = "sure of two loops; the object is not one that whichloop knows"
    ids = {"no running loop": ["build-in-coroutine"]}.get(cause, [])
    if message.id == "loop-running":
        ids, cause = ["one-driver-of-loops"], "two plugins"
        sure = message.sure
    return _plain(recording, failure, message, text, cause, sure, ids)


def _plain(
    recording: Recording,
    failure: Failure,
    message: catalogue.Message,
    text: str,
    cause: str,
    sure: str,
    ids: list[str],
) -> Finding:
    obj = recording.objects[-1] if recording.objects else None
    thing = noun(obj, catalogue.driver_hint(message, text))
    made = [cure(id, recording.settings, noun=thing) for id in ids]
    return Finding(
        cause=cause,
        sentence=f"{message.says}.",
        sure=sure,
        message=message.id,
        during=failure.during,
        phase=failure.phase,
        object=obj,
        bound_loop=recording.loop(obj.bound_to) if obj else None,
        using_loop=recording.loop(failure.used_on),
        used_by=Actor("test", failure.during) if failure.during else NOBODY,
        crossing_line=failure.crossing_line,
        cures=tuple(one for one in made if one is not None),
    )
