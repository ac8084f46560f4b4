import asyncio

import pytest


@pytest.fixture(scope="session")
async def value():
    await asyncio.sleep(0)
    return 1


async def test_value(value):
    assert value == 1
