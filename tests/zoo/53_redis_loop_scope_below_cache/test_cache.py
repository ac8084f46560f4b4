import os

import pytest_asyncio
import redis.asyncio


@pytest_asyncio.fixture(scope="session", loop_scope="function")
async def cache():
    client = redis.asyncio.from_url(os.environ["WL_REDIS"])
    await client.ping()
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def user(cache):
    await cache.set("user:53", "ann")


async def test_user(user, cache):
    assert await cache.get("user:53") == b"ann"


async def test_again(cache):
    await cache.ping()
