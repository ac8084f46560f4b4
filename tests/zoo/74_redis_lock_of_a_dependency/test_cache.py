import asyncio
import os

import pytest
import redis.asyncio
from throttle import Throttle


@pytest.fixture
async def cache():
    async with redis.asyncio.from_url(os.environ["WL_REDIS"]) as client:
        yield client


async def both(cache):
    throttle = Throttle()
    return await asyncio.gather(*(throttle.run(cache.set(key, 1)) for key in "ab"))


async def test_first(cache):
    assert await both(cache) == [True, True]


async def test_second(cache):
    assert await both(cache) == [True, True]
