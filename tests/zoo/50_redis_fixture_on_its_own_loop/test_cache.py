import os

import pytest
import pytest_asyncio
import redis.asyncio


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cache():
    client = redis.asyncio.from_url(os.environ["WL_REDIS"])
    await client.ping()
    yield client
    await client.aclose()


@pytest.fixture
async def user(cache):
    await cache.set("user:50", "ann")


async def test_user(user, cache):
    assert await cache.get("user:50") == b"ann"
