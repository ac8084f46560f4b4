import os

import pytest
from pymongo import AsyncMongoClient


@pytest.fixture
async def test_db():
    client = AsyncMongoClient(os.environ["WL_MONGO"])
    await client.admin.command("ping")
    yield client["jobs_b"]
    await client.close()


async def test_count(test_db):
    assert await test_db["jobs"].count_documents({}) == 0
