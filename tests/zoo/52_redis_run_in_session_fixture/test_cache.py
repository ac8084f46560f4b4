import asyncio
import os

import pytest
import redis.asyncio

cache = redis.asyncio.from_url(os.environ["WL_REDIS"])


@pytest.fixture(scope="session")
def user():
    asyncio.run(cache.set("user:52", "ann"))
    return "user:52"


def test_user(user):
    assert asyncio.run(cache.get(user)) == b"ann"
