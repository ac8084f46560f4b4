"""Loop scopes compared without running anything. Pure but for reading pytest's own objects."""

from collections.abc import Iterable
from types import FunctionType
from typing import Any, NamedTuple

import pytest

from whichloop.diagnose.causes import MISMATCH
from whichloop.diagnose.codes import IGNORED
from whichloop.observe import peek
from whichloop.observe.frames import is_user_file, site_of
from whichloop.records import Foreseen, Settings, Site

_IGNORED = "pytest-asyncio 1.0 removed it, and no test runs on the loop it makes"
_DEPRECATED = "pytest-asyncio 1.0 removes it, and from then on no test runs on the loop it makes"
ORDER = ("function", "class", "module", "package", "session")


class Fixture(NamedTuple):
    """A fixture of the project's, or one that runs on a loop: its ``function`` as it stands in the
    suite, its caching scope, and its loop scope (None: it is no coroutine)."""

    name: str
    definition: Any
    function: FunctionType | None
    scope: str
    loop_scope: str | None


class Test(NamedTuple):
    """A collected test; ``loop_scope`` is None for one that pytest-asyncio does not run."""

    item: Any
    nodeid: str
    function: FunctionType | None
    owner: Any
    loop_scope: str | None
    fixtures: list[Fixture]


def plan(items: Iterable[Any], settings: Settings) -> list[Test]:
    """On which loops pytest's items and their fixtures will run; what tests share is read once."""
    known: dict[tuple[int, str], Fixture | None] = {}
    tests = []
    for item in items:
        info = getattr(item, "_fixtureinfo", None)
        definitions = getattr(info, "name2fixturedefs", None) or {}
        loops = definitions.get("event_loop")
        event_loop = str(loops[-1].scope) if loops else "function"
        fixtures = []
        for name, stack in definitions.items():
            if not stack:
                continue
            key = id(stack[-1]), event_loop
            if key not in known:
                known[key] = _fixture(name, stack[-1], settings, event_loop)
            if (fixture := known[key]) is not None:
                fixtures.append(fixture)
        function = function_of_test(item)
        scope = loop_scope_of_test(item, function, settings, event_loop)
        owner = getattr(item, "cls", None)
        tests.append(Test(item, item.nodeid, function, owner, scope, fixtures))
    return tests


def _fixture(name: str, definition: Any, settings: Settings, event_loop: str) -> Fixture | None:
    function = written(definition.func)
    scope = loop_scope_of_fixture(definition, settings, event_loop)
    if scope is None and (function is None or not is_user_file(function.__code__.co_filename)):
        return None
    return Fixture(name, definition, function, str(definition.scope), scope)


def loop_scope_of_fixture(
    fixturedef: Any, settings: Settings, event_loop: str = "function"
) -> str | None:
    """The loop scope an async fixture runs in under pytest-asyncio; None for any other fixture.
    ``event_loop`` is the scope of that fixture, on whose loop versions before 0.23 ran them."""
    function = written(fixturedef.func)
    forced = peek.attribute(function, "_force_asyncio_fixture") is True
    if not forced and (settings.asyncio_mode != "auto" or not peek.is_coroutine(function)):
        return None
    if settings.asyncio_version < (0, 23):
        return event_loop
    own = peek.attribute(function, "_loop_scope")
    scope = own if type(own) is str else settings.fixture_loop_scope
    return scope if scope and scope != "fixture-scope" else str(fixturedef.scope)


def has_own_loop_scope(fixturedef: Any, settings: Settings) -> bool:
    """Does the fixture's decorator say on which loop it runs, so that no option moves it?"""
    own = peek.attribute(written(fixturedef.func), "_loop_scope")
    # Versions before 1.1 write there what they have decided from the option, too.
    decided = settings.fixture_loop_scope or str(fixturedef.scope)
    return own is not None and (settings.asyncio_version >= (1, 1) or own != decided)


def loop_scope_of_test(
    item: Any, function: FunctionType | None, settings: Settings, event_loop: str
) -> str | None:
    """The loop scope of a coroutine test under pytest-asyncio; None for any other test."""
    if not peek.is_coroutine(function):
        return None
    marker = item.get_closest_marker("asyncio")
    if marker is None and settings.asyncio_mode != "auto":
        return None
    if marker is None and item.get_closest_marker("anyio") is not None:
        return None
    if settings.asyncio_version < (0, 23):
        return event_loop
    given = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") if marker else None
    return given or settings.test_loop_scope or "function"


def _place(fixturedef: Any) -> Site | None:
    function = peek.function_of(fixturedef.func)
    function = peek.function_of(peek.attribute(function, "__wrapped__")) or function
    return site_of(function.__code__, function.__code__.co_firstlineno) if function else None


def function_of_test(item: Any) -> FunctionType | None:
    """A test's function; of hypothesis's tests the one that runs once for each example."""
    function = peek.function_of(getattr(item, "function", None))
    if function is None or "hypothesis" not in function.__dict__:
        return function
    return peek.function_of(peek.attribute(function, "hypothesis", "inner_test")) or function


def written(obj: Any) -> FunctionType | None:
    """The function as it stands in the suite, below the wrapper that pytest-asyncio put around it:
    before 1.1 it did so when the fixture was collected."""
    function = peek.function_of(obj)
    if _of_the_plugin(function):
        return peek.function_of(peek.attribute(function, "__wrapped__")) or function
    return function


def _of_the_plugin(function: FunctionType | None) -> bool:
    """Is it pytest-asyncio's own? Its ``__module__`` is the wrapped function's."""
    name = dict.get(function.__globals__, "__name__") if function is not None else None
    return type(name) is str and name.startswith("pytest_asyncio")


def audit(
    tests: Iterable[Test], settings: Settings, ignorable: Iterable[Any] = ()
) -> list[Foreseen]:
    """Every loop scope of a plan that does not fit, in the order of collection, the notes first;
    ``ignorable`` are the fixtures named event_loop, whether a test asks for them or not."""
    found: dict[Foreseen, list[str]] = {note: [] for note in _ignored(ignorable, settings)}
    known: dict[tuple[int, str | None], list[Foreseen]] = {}
    for test in tests:
        for fixture in test.fixtures:
            key = id(fixture), test.loop_scope
            if key not in known:
                known[key] = list(_mismatches(fixture, test.loop_scope))
            for finding in known[key]:
                found.setdefault(finding, []).append(test.nodeid)
    return [finding._replace(tests=tuple(tests)) for finding, tests in found.items()]


def on_other_loops(test: Test) -> bool:
    """Does a coroutine test use an async fixture that runs on another loop?"""
    return test.loop_scope is not None and any(
        fixture.loop_scope not in (None, test.loop_scope) and peek.is_coroutine(fixture.function)
        for fixture in test.fixtures
    )


def _mismatches(fixture: Fixture, test_scope: str | None) -> Iterable[Foreseen]:
    name, _, function, cached, scope = fixture
    if scope is None or not peek.is_coroutine(function):
        return
    texts = []
    if ORDER.index(cached) > ORDER.index(scope):
        text = f"fixture {name} is cached for the {cached} but runs on a {scope} loop"
        texts.append(f"{text}, which is closed first")
    if test_scope not in (None, scope):
        text = f"fixture {name} runs on a {scope} loop, the tests that use it on a {test_scope}"
        texts.append(f"{text} loop")
    for text in texts:
        yield Foreseen(MISMATCH.code, MISMATCH.name, text, _place(fixture.definition))


def overrides(items: Iterable[Any]) -> list[Any]:
    """The fixtures named event_loop that items could ask for, each once."""
    found: dict[int, Any] = {}
    parents = {id(item.parent): item.parent for item in items}
    for parent in parents.values():
        node = parent if pytest.version_tuple >= (8,) else parent.nodeid
        seen = parent.session._fixturemanager.getfixturedefs("event_loop", node)
        found |= {id(fixture): fixture for fixture in seen or ()}
    return list(found.values())


def _ignored(fixtures: Iterable[Any], settings: Settings) -> list[Foreseen]:
    """A note for each event_loop fixture that is not pytest-asyncio's own."""
    version = settings.asyncio_version
    if settings.pytest_asyncio is None or version < (0, 23):
        return []  # there an override was the way to choose the loop
    is_so, why = ("is", _IGNORED) if version >= (1, 0) else ("will be", _DEPRECATED)
    text = f"fixture event_loop {is_so} ignored: {why}"
    own = [fixture for fixture in fixtures if not _of_the_plugin(written(fixture.func))]
    return [Foreseen(*IGNORED, text, _place(fixture), sure=False) for fixture in own]
