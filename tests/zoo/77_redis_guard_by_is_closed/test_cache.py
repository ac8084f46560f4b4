import pytest_asyncio
from clients import cache


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def users():
    await cache().set("user:77", "ann")


async def test_user(users):
    assert await cache().get("user:77") == b"ann"
