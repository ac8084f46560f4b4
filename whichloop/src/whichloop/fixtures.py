"""The fixtures of a session: who they are, on which loop scope, and what they have returned."""

from typing import Any

import pytest

from whichloop.audit import has_own_loop_scope, loop_scope_of_fixture
from whichloop.observe import peek
from whichloop.observe.tracker import TRACKER
from whichloop.records import Actor

_FACTORY = "_asyncio_loop_factory"  # the fixture whose parameter is one, from 1.4 on


class Fixtures:
    """Fixtures that were met so far, and pytest-asyncio's loop factories."""

    def __init__(self) -> None:
        self._actors: dict[tuple[Any, str], Actor] = {}
        self._factories: dict[int, tuple[Any, str]] = {}  # by id: itself, and its name

    def note_factories(self, metafunc: Any) -> None:
        """Note the names of the loop factories that a test is run with."""
        if _FACTORY in metafunc.fixturenames:
            self._factories |= factories_of(metafunc)

    def set_up(self, fixturedef: Any, request: Any) -> None:
        """The loops that are opened from here on come from this factory, if the fixture is one."""
        if fixturedef.argname == _FACTORY:
            factory = getattr(request, "param", None)
            TRACKER.loops.factory = self._factories.get(id(factory), (factory, ""))[1]

    def actor(self, fixturedef: Any) -> Actor:
        """A fixture as who is at work, with its loop scope; its code is noted for tracebacks."""
        function = peek.function_of(fixturedef.func)
        # Not by code alone: pytest-asyncio makes its runner fixtures from one function.
        key = (function.__code__ if function is not None else None, fixturedef.argname)
        actor = self._actors.get(key)
        if actor is None:
            actor = Actor("fixture", fixturedef.argname, str(fixturedef.scope))
            with TRACKER.guarded("loop scopes of fixtures"):
                actor = actor._replace(
                    loop_scope=loop_scope_of_fixture(fixturedef, TRACKER.settings),
                    own_loop=has_own_loop_scope(fixturedef, TRACKER.settings),
                )
            if function is not None:
                self._actors[key] = actor
                if "pytest_asyncio" not in (function.__module__ or ""):
                    # Versions before 1.1 wrap all async fixtures in one and the same function.
                    inner = peek.function_of(peek.attribute(function, "__wrapped__"))
                    TRACKER.scene.fixtures[(inner or function).__code__] = actor
        return actor

    def values(self, item: pytest.Item | None) -> list[tuple[Actor, Any]]:
        """What the fixtures of a test have returned."""
        info = getattr(item, "_fixtureinfo", None)
        stacks = info.name2fixturedefs.values() if info else ()
        done = [stack[-1] for stack in stacks if stack and stack[-1].cached_result is not None]
        return [(self.actor(fixture), fixture.cached_result[0]) for fixture in done]


def factories_of(metafunc: Any) -> dict[int, tuple[Any, str]]:
    """pytest-asyncio's loop factories by id, with their names: a test's first parameter, which
    pytest hides where there is but one."""
    calls = [call for call in metafunc._calls if _FACTORY in call.params]
    if not any(call.indices[_FACTORY] for call in calls):
        return {}
    made_by = [(call.params[_FACTORY], call._idlist[0]) for call in calls]
    return {id(factory): (factory, name) for factory, name in made_by}
