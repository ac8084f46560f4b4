"""A database from a fixture, as in exercise 1."""

import os
from collections.abc import AsyncIterator

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase


@pytest.fixture
async def job_board() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")
    yield client.get_default_database()
    client.close()
