"""Loop scopes compared without running anything. Pure but for reading pytest's own objects."""

import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.frames import shown
from whichloop.records import Settings

_LINES = textwrap.TextWrapper(
    80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)
_IGNORED = (
    "fixture event_loop is ignored: pytest-asyncio 1.0 removed it, and no test runs on the loop it "
    "makes"
)
_CURE = (
    "cure: run fixtures and tests on one loop: asyncio_default_fixture_loop_scope and "
    "asyncio_default_test_loop_scope with the same value, or the same loop_scope= on both"
)
ORDER = ("function", "class", "module", "package", "session")


class AuditEntry(NamedTuple):
    """``kind`` is mismatch, outlives or note; only the first two make the audit fail. ``tests``
    are the node ids of a mismatch."""

    kind: str
    text: str
    where: str
    tests: tuple[str, ...] = ()


def loop_scope_of_fixture(
    fixturedef: Any, settings: Settings, event_loop: str = "function"
) -> str | None:
    """The loop scope an async fixture runs in under pytest-asyncio; None for any other fixture.
    ``event_loop`` is the scope of that fixture, on whose loop versions before 0.23 ran them."""
    function = peek.function_of(fixturedef.func)
    forced = peek.attribute(function, "_force_asyncio_fixture") is True
    if not forced and (settings.asyncio_mode != "auto" or not peek.is_coroutine(function)):
        return None
    if settings.asyncio_version < (0, 23):
        return event_loop
    own = peek.attribute(function, "_loop_scope")
    scope = own if type(own) is str else settings.fixture_loop_scope
    return scope if scope and scope != "fixture-scope" else str(fixturedef.scope)


def _loop_scope_of_test(item: Any, settings: Settings, event_loop: str) -> str | None:
    """The loop scope of a coroutine test under pytest-asyncio; None for any other test."""
    marker = item.get_closest_marker("asyncio")
    function = peek.function_of(getattr(item, "function", None))
    hypothesis = peek.attribute(function, "hypothesis", "inner_test")
    if not peek.is_coroutine(function if hypothesis is None else hypothesis):
        return None
    anyios = item.get_closest_marker("anyio") is not None
    if marker is None and (settings.asyncio_mode != "auto" or anyios):
        return None
    if settings.asyncio_version < (0, 23):
        return event_loop
    given = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") if marker else None
    return given or settings.test_loop_scope or "function"


def _place(fixturedef: Any) -> str:
    function = peek.function_of(fixturedef.func)
    function = peek.function_of(peek.attribute(function, "__wrapped__")) or function
    if function is None:
        return fixturedef.baseid or "a plugin"
    return f"{shown(function.__code__.co_filename)}:{function.__code__.co_firstlineno}"


def audit(items: Iterable[Any], settings: Settings) -> list[AuditEntry]:
    """Every loop scope of pytest's items that does not fit, in the order of collection, mismatches
    last."""
    entries: dict[AuditEntry, list[str]] = {}
    for item in items:
        info = getattr(item, "_fixtureinfo", None)
        definitions = getattr(info, "name2fixturedefs", None) or {}
        loops = definitions.get("event_loop")
        event_loop = str(loops[-1].scope) if loops else "function"
        test_scope = _loop_scope_of_test(item, settings, event_loop)
        for name, fixture in [(name, stack[-1]) for name, stack in definitions.items() if stack]:
            where = _place(fixture)
            if name == "event_loop" and settings.asyncio_version >= (1, 0):
                entries[AuditEntry("note", _IGNORED, where)] = []
                continue
            scope = loop_scope_of_fixture(fixture, settings, event_loop)
            if scope is None or not peek.is_coroutine(fixture.func):
                continue
            if ORDER.index(str(fixture.scope)) > ORDER.index(scope):
                cached = f"fixture {name} is cached for the {fixture.scope} but runs on a {scope}"
                entries[AuditEntry("outlives", f"{cached} loop, which is closed first", where)] = []
            if test_scope not in (None, scope):
                runs = f"fixture {name} runs on a {scope} loop, the tests that use it on a"
                entry = AuditEntry("mismatch", f"{runs} {test_scope} loop", where)
                entries.setdefault(entry, []).append(item.nodeid)
    rows = [entry._replace(tests=tuple(nodes)) for entry, nodes in entries.items()]
    return sorted(rows, key=lambda entry: entry.kind == "mismatch")


def report(entries: list[AuditEntry], tests: int) -> list[str]:
    """The audit as lines; the last one is its result."""
    lines = []
    for entry in entries:
        lines += _LINES.wrap(f"{entry.kind}: {entry.text} ({entry.where})")
        lines += [f"    {node}" for node in entry.tests]
    bad = sum(len(entry.tests) or 1 for entry in entries if entry.kind != "note")
    if bad:
        lines += _LINES.wrap(_CURE)
    problems = f"{bad} loop scope problem{'' if bad == 1 else 's'}"
    many = "" if tests == 1 else "s"
    return lines + _LINES.wrap(f"{problems} in {tests} collected test{many}; nothing was run")
