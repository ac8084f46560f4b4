import os

import pytest
import redis.asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def cache(anyio_backend):
    client = redis.asyncio.from_url(os.environ["WL_REDIS"])
    yield client
    await client.aclose()


async def test_one(cache):
    await cache.set("c", 1)


async def test_two(cache):
    assert await cache.get("c") == b"1"
