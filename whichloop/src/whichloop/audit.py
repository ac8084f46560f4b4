"""Loop scopes compared without running anything. Pure but for reading pytest's own objects."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from whichloop.actors import version_of

WIDTH = 80
ORDER = ("function", "class", "module", "package", "session")


class AuditEntry(NamedTuple):
    """``kind`` is mismatch, outlives or note; only the first two make the audit fail. ``tests``
    are the node ids of a mismatch."""

    kind: str
    text: str
    where: str
    tests: tuple[str, ...] = ()


class Scopes(NamedTuple):
    """How pytest-asyncio is configured; ``managed`` says which coroutine functions are its."""

    version: str | None
    mode: str
    fixture_loop_scope: str | None
    test_loop_scope: str


def loop_scope_of_fixture(fixturedef: Any, scopes: Scopes, event_loop: Any = None) -> str | None:
    """The loop scope an async fixture runs in under pytest-asyncio; None for any other fixture."""
    func = fixturedef.func
    func = getattr(func, "__func__", func)
    forced = getattr(func, "_force_asyncio_fixture", False)
    if not (inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)):
        if not forced:
            return None
    elif not forced and scopes.mode != "auto":
        return None
    if version_of(scopes.version) < (0, 23):
        return getattr(event_loop, "scope", None) or "function"
    own = getattr(func, "_loop_scope", None)
    default = scopes.fixture_loop_scope
    if default == "fixture-scope":
        default = None
    return own or default or str(fixturedef.scope)


def loop_scope_of_test(item: Any, scopes: Scopes) -> str | None:
    """The loop scope of a coroutine test under pytest-asyncio; None for any other test."""
    marker = item.get_closest_marker("asyncio")
    func = getattr(item, "function", None)
    hypothesis = getattr(getattr(func, "hypothesis", None), "inner_test", None)
    if not inspect.iscoroutinefunction(hypothesis or func):
        return None
    if marker is None and scopes.mode != "auto":
        return None
    if item.get_closest_marker("anyio") is not None and marker is None:
        return None
    if version_of(scopes.version) < (0, 23):
        loops = _definitions(item).get("event_loop")
        return str(loops[-1].scope) if loops else "function"
    given = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") if marker else None
    return given or scopes.test_loop_scope


def _definitions(item: Any) -> dict[str, Any]:
    info = getattr(item, "_fixtureinfo", None)
    return getattr(info, "name2fixturedefs", None) or {}


def _shown(fixturedef: Any) -> str:
    code = getattr(getattr(fixturedef.func, "__wrapped__", fixturedef.func), "__code__", None)
    if code is None:
        return fixturedef.baseid or "a plugin"
    from whichloop.observe.frames import shown

    return f"{shown(code.co_filename)}:{code.co_firstlineno}"


def audit(items: Iterable[Any], scopes: Scopes) -> list[AuditEntry]:
    """Every loop scope that does not fit, in the order of collection.

    ``items`` are collected pytest items; a test with no fixture information is passed over.
    """
    found: dict[tuple[str, str], AuditEntry] = {}
    tests: dict[tuple[str, str, str, str], list[str]] = {}
    ignored = version_of(scopes.version) >= (1, 0)
    for item in items:
        definitions = _definitions(item)
        loops = definitions.get("event_loop")
        loop_fixture = loops[-1] if loops else None
        test_scope = loop_scope_of_test(item, scopes)
        for name, stack in definitions.items():
            if not stack:
                continue
            fixture = stack[-1]
            where = _shown(fixture)
            if name == "event_loop" and ignored:
                found.setdefault(
                    ("note", where),
                    AuditEntry(
                        "note",
                        "fixture event_loop is ignored: pytest-asyncio 1.0 removed it, and no "
                        "test runs on the loop it makes",
                        where,
                    ),
                )
                continue
            loop_scope = loop_scope_of_fixture(fixture, scopes, loop_fixture)
            if loop_scope is None or not _is_coroutine(fixture):
                continue
            if ORDER.index(str(fixture.scope)) > ORDER.index(loop_scope):
                found.setdefault(
                    ("outlives", f"{where} {name}"),
                    AuditEntry(
                        "outlives",
                        f"fixture {name} is cached for the {fixture.scope} but runs on a "
                        f"{loop_scope} loop, which is closed first",
                        where,
                    ),
                )
            if test_scope is not None and test_scope != loop_scope:
                key = (name, where, loop_scope, test_scope)
                tests.setdefault(key, []).append(item.nodeid)
    entries = list(found.values())
    for (name, where, loop_scope, test_scope), nodes in tests.items():
        text = (
            f"fixture {name} runs on a {loop_scope} loop, the tests that use it on a "
            f"{test_scope} loop"
        )
        entries.append(AuditEntry("mismatch", text, where, tuple(nodes)))
    return entries


def _is_coroutine(fixturedef: Any) -> bool:
    func = getattr(fixturedef.func, "__func__", fixturedef.func)
    return inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)


def report(entries: list[AuditEntry], tests: int) -> list[str]:
    """The audit as lines; the last one is its result."""
    lines = []
    for entry in entries:
        lines += _wrapped(f"{entry.kind}: {entry.text} ({entry.where})")
        lines += [f"    {node}" for node in entry.tests]
    bad = sum(len(entry.tests) or 1 for entry in entries if entry.kind != "note")
    if bad:
        lines += _wrapped(
            "cure: run fixtures and tests on one loop: asyncio_default_fixture_loop_scope and "
            "asyncio_default_test_loop_scope with the same value, or the same loop_scope= on both"
        )
    many = "" if tests == 1 else "s"
    lines += _wrapped(
        f"{bad} loop scope problem{'' if bad == 1 else 's'} in {tests} collected test{many}; "
        "nothing was run"
    )
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
