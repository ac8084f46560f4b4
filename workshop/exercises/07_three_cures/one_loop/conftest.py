"""Cure it here by the loops: one for all tests and fixtures. Yours to change: pytest.ini."""

from collections.abc import AsyncIterator

import pytest
from store import engine


@pytest.fixture(scope="session", autouse=True)
async def pool_of_the_run() -> AsyncIterator[None]:
    yield
    await engine.dispose()
