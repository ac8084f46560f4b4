import os

import redis.asyncio

cache = redis.asyncio.from_url(os.environ["WL_REDIS"])


async def test_first():
    await cache.set("a", 1)


async def test_second():
    assert await cache.get("a") == b"1"
