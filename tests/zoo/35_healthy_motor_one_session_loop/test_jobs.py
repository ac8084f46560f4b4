import os

import pytest
from motor.motor_asyncio import AsyncIOMotorClient


@pytest.fixture(scope="session")
async def test_db():
    client = AsyncIOMotorClient(os.environ["WL_MONGO"])
    await client.admin.command("ping")
    yield client["jobs_d"]
    client.close()


async def test_one(test_db):
    await test_db["jobs"].insert_one({"a": 1})


async def test_two(test_db):
    assert await test_db["jobs"].find_one({"a": 1})
