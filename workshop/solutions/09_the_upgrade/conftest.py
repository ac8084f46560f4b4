"""The pool ends with the run, on the loop that all tests share."""

from collections.abc import AsyncIterator

import pytest
from store import engine


@pytest.fixture(scope="session", autouse=True)
async def pool_of_the_run() -> AsyncIterator[None]:
    yield
    await engine.dispose()
