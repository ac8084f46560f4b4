import os

import pytest
from motor.motor_asyncio import AsyncIOMotorClient


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def test_db(anyio_backend):
    client = AsyncIOMotorClient(os.environ["WL_MONGO"])
    await client.admin.command("ping")
    yield client["jobs_c"]
    client.close()


@pytest.mark.asyncio
async def test_count(test_db):
    assert await test_db["jobs"].count_documents({}) == 0
