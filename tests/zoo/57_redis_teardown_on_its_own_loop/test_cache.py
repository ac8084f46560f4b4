import asyncio
import os

import pytest
import pytest_asyncio
import redis.asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cache():
    client = redis.asyncio.from_url(os.environ["WL_REDIS"])
    await client.ping()
    yield client
    await client.aclose()


@pytest.fixture
async def clean(cache):
    yield
    await asyncio.gather(cache.delete("user:57"), cache.delete("job:57"))


async def test_user(clean, cache):
    await cache.set("user:57", "ann")
