"""Which cures fit a case, the most fitting first. Pure; what each one says is in ``cures``."""

from __future__ import annotations

from collections.abc import Iterable

from whichloop.actors import NOBODY, Settings
from whichloop.diagnose.causes import Case, noun
from whichloop.diagnose.cures import cure
from whichloop.records import Cure, LoopRecord

# What a message alone calls for, whatever else was seen.
BY_MESSAGE = {
    "scope-mismatch": ("loop-as-long-as-cache", "cache-per-test"),
    "operation-in-progress": ("one-per-task",),
    "session-concurrency": ("one-per-task",),
    "too-many-clients": ("dispose-every",),
    "missing-greenlet": ("await-load",),
    "no-running-loop": ("build-in-coroutine",),
    "loop-running": ("one-driver-of-loops", "async-interface"),
    "nested-run": ("await-it",),
}
_WIDER = ("function", "class", "module", "package", "session")


def made(ids: Iterable[str], settings: Settings, **words: str) -> tuple[Cure, ...]:
    """The cures of these names, without those that this pytest-asyncio does not have."""
    found = [cure(id, settings, **words) for id in ids]
    return tuple(one for one in found if one is not None)


def cures_for(case: Case, cause: str) -> tuple[Cure, ...]:
    """The cures for an object that crossed from one loop to another."""
    obj = case.obj
    kind, keeper = case.keeper
    words = {"noun": noun(obj), "place": keeper or "where it is kept"}
    pooled = obj is not None and (obj.driver == "sqlalchemy" or obj.part_of == "AsyncEngine")
    null_pool = ["null-pool"] if pooled else []
    ids: list[str] = []
    if cause == "loop scope mismatch":
        ids = [*_mismatch(case, kind, words), *(null_pool if kind else [])]
    elif cause == "object outlives its loop":
        ids = _outlives(case, kind, words, null_pool)
    elif cause == "second loop in a thread":
        ids = ["owning-thread", "per-thread"]
    elif cause == "TestClient portal":
        both = case.bound is not None and case.using is not None and len(case.runners) == 1
        ids = [*(["with-testclient"] if both else []), "asgi-transport", *null_pool]
    elif cause == "two plugins":
        ids = ["one-plugin"]
    elif cause == "asyncio.run repeated":
        awaited = obj is not None and obj.type in ("Future", "Task")
        ids = ["own-future"] if awaited else ["one-run", "build-per-run", *null_pool]
    return made(ids, case.settings, **words)


def cures_for_running(loop: LoopRecord, settings: Settings) -> tuple[Cure, ...]:
    """The cures for ``loop``, which was left running in the thread that another was to use."""
    by = loop.opened_by
    if by.kind == "fixture" and by.caching_scope not in (None, "function") and loop.opened_at:
        words = {"loop": loop.id, "fixture": by.name, "scope": by.caching_scope or "session"}
        return made(("end-running", "async-interface"), settings, **words)
    if by.kind == "unknown":
        return made(("own-process", "one-driver-of-loops"), settings)
    return made(("async-interface", "one-driver-of-loops"), settings)


def _outlives(case: Case, kind: str, words: dict[str, str], null_pool: list[str]) -> list[str]:
    obj = case.obj
    if "unittest" in case.runners:
        return ["async-setup", *null_pool]
    if obj is not None and obj.type in ("Future", "Task"):
        return ["own-future"]
    if case.using is not None and case.using.runner == "anyio":
        return [*null_pool, *(["dispose"] if null_pool else []), "create-inside"]
    if kind == "fixture" and obj is not None:
        words["fixture"] = obj.built_by.name
        words["scope"] = obj.built_by.caching_scope or "session"
        return ["one-loop", "cache-per-test"]
    if obj is not None and obj.driver == "asyncio":
        return ["create-inside", "one-loop"]
    return ["one-loop", *(["null-pool", "dispose"] if null_pool else ["build-inside"])]


def _mismatch(case: Case, kind: str, words: dict[str, str]) -> list[str]:
    """Which side to move: the tests to the fixture's loop, or the fixture to the test's."""
    settings = case.settings
    fixture_side, test_side = case.bound, case.using
    fixture = case.obj.bound_by if case.obj is not None else NOBODY
    if fixture.kind != "fixture" and case.used_by.kind == "fixture":
        fixture_side, test_side, fixture = case.using, case.bound, case.used_by
    wide = (fixture_side.scope if fixture_side else None) or "session"
    narrow = (test_side.scope if test_side else None) or "function"
    words |= {"scope": wide, "narrow": narrow}
    marked = settings.test_loop_scope not in (None, narrow)
    explicit = fixture.loop_scope is not None and fixture.loop_scope not in (
        settings.fixture_loop_scope,
        None if settings.fixture_loop_scope else fixture.caching_scope,
    )
    to_test = "fixture-to-test" if explicit else "fixtures-to-tests"
    if _WIDER.index(wide) < _WIDER.index(narrow):
        # The mirror image: the tests' loop lives longer than the fixtures'.
        return [to_test]
    if fixture.kind != "fixture":
        return ["test-mark" if marked else "one-loop"]
    first = "test-mark" if marked else "one-loop-tests"
    if kind or fixture.caching_scope not in (None, "function"):
        # Cached for longer than a test: a loop per test would be worse, not better.
        return [first]
    return [first, to_test]
