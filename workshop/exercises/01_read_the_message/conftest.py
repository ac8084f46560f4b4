"""Two resources: a MongoDB database from a fixture, Postgres sessions from the app."""

import os
from collections.abc import AsyncIterator

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase


@pytest.fixture
async def test_db() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")
    yield client.get_default_database()
    client.close()
