"""A limit of time around a test, by anyio's cancel scope."""

from collections.abc import AsyncIterator

import anyio
import pytest


@pytest.fixture
async def time_limit() -> AsyncIterator[None]:
    with anyio.fail_after(60):
        yield
