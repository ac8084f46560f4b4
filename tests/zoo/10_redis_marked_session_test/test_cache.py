import os

import pytest
import pytest_asyncio
import redis.asyncio


@pytest_asyncio.fixture(loop_scope="module")
async def cache():
    client = redis.asyncio.from_url(os.environ["WL_REDIS"])
    await client.ping()
    yield client


@pytest.mark.asyncio(loop_scope="class")
class TestCache:
    async def test_get(self, cache):
        await cache.get("a")
