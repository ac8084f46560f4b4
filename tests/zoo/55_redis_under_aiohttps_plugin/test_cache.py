import os

import redis.asyncio

cache = redis.asyncio.from_url(os.environ["WL_REDIS"])


async def test_set(loop):
    await cache.set("user:55", "ann")


async def test_get(loop):
    assert await cache.get("user:55") == b"ann"
