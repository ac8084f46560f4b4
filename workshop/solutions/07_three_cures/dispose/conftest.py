"""Cure it here by ending the pool with each test, on its loop. Yours to change: this file."""

from collections.abc import AsyncIterator

import pytest
from store import engine


@pytest.fixture(autouse=True)
async def pool_of_one_test() -> AsyncIterator[None]:
    yield
    await engine.dispose()
