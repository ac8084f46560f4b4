"""Three clients: one built at import, two by fixtures on the session loop."""

import os
from collections.abc import AsyncIterator

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

CLIENT = AsyncIOMotorClient(os.environ["MONGO_URL"])


@pytest.fixture
def built_at_import() -> AsyncIOMotorClient:
    return CLIENT


@pytest.fixture
async def built_by_fixture() -> AsyncIterator[AsyncIOMotorClient]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    yield client
    client.close()


@pytest.fixture
async def used_by_fixture() -> AsyncIterator[AsyncIOMotorClient]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")
    yield client
    client.close()
