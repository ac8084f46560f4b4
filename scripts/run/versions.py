"""The versions in play: what two runs must share for their results to be compared."""

from __future__ import annotations

import importlib.metadata
import platform

DISTRIBUTIONS = ("pytest", "pytest-asyncio", "motor", "pymongo", "sqlalchemy", "asyncpg", "fastapi")


def versions() -> dict[str, str]:
    """The versions in play, under the names that run.json gives them."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        found[name.replace("-", "_")] = importlib.metadata.version(name)
    return found
