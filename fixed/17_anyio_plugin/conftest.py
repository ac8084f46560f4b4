"""Remedy 17: anyio's pytest plugin runs fixtures and tests, on one loop for the session."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import get_db_session
from shared_app.main import create_app


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Report B's override. pytest-asyncio 1.0 removed the fixture it overrode: nothing uses it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def one_loop(anyio_backend: str) -> None:
    """While a session-cached async fixture lives, the plugin keeps its runner and its loop."""


@pytest.fixture
async def test_db() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")  # its first use: from here on it is bound to this loop
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
