"""Cure it here by ending the pool with each test, on its loop. Yours to change: this file."""

from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def pool_of_one_test() -> AsyncIterator[None]:
    yield  # noqa: PT022 - what must stand behind it is the exercise
