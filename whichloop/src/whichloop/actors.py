"""The two records that every run needs; the rest are in ``records`` and loaded on demand, since a
dozen frozen dataclasses cost a noticeable part of a short run's start. These are tuples: one is
made for each test, at a quarter of a frozen dataclass's price."""

from __future__ import annotations

from typing import NamedTuple


class Actor(NamedTuple):
    """Who did something. ``kind`` is one of fixture, test, import, code, unknown.

    ``name`` is the fixture's name, the test's node id, the module's name or the function's name.
    ``caching_scope`` and ``loop_scope`` are set for fixtures, ``cache`` where the value went
    through a ``functools`` cache of that name.
    """

    kind: str
    name: str
    caching_scope: str | None = None
    loop_scope: str | None = None
    cache: str | None = None

    def __str__(self) -> str:
        if self.kind == "unknown":
            return "not known"
        if self.kind == "import":
            return f"import of {self.name}"
        return f"{self.kind} {self.name}"


NOBODY = Actor("unknown", "")


class Settings(NamedTuple):
    """Versions and loop scopes in force; ``None`` where pytest or the option is not there."""

    python: str = ""
    pytest: str | None = None
    pytest_asyncio: str | None = None
    asyncio_mode: str | None = None
    fixture_loop_scope: str | None = None
    test_loop_scope: str | None = None
