"""The two records that every run needs; the rest are in ``records`` and loaded on demand, since a
dozen frozen dataclasses cost a noticeable part of a short run's start. These are tuples: one is
made for each test, and a frozen dataclass takes longer to make."""

from __future__ import annotations

import re
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


def version_of(text: str | None) -> tuple[int, ...]:
    """``"1.5.0"`` → ``(1, 5, 0)``; an unknown one is taken for the newest."""
    if not text:
        return (99,)
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else (99,)
