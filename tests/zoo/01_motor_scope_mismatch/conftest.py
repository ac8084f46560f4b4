import os

import pytest
from motor.motor_asyncio import AsyncIOMotorClient


@pytest.fixture
async def test_db():
    client = AsyncIOMotorClient(os.environ["WL_MONGO"])
    await client.admin.command("ping")
    yield client["jobs_a"]
    client.close()
