import asyncio
import os

import pytest
import redis.asyncio

pytestmark = pytest.mark.anyio
cache = redis.asyncio.from_url(os.environ["WL_REDIS"])


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def user():
    asyncio.run(cache.set("user:54", "ann"))


async def test_user():
    assert await cache.get("user:54") == b"ann"
