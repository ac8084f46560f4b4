"""As on the broken side: a Motor database, a session of the app's engine, a client of the app."""

import os
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import get_db_session
from shared_app.main import create_app


@pytest.fixture
async def test_db() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")
    yield client.get_default_database()
    client.close()


@pytest.fixture
async def db_session() -> AsyncIterator[AsyncSession]:
    async for session in get_db_session():
        yield session


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=create_app())
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
