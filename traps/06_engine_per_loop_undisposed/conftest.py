"""Trap 06: an engine cache keyed by loop, never disposed; the DAO tests are repeated."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from shared_app.configs.db import AsyncSessionFactory, get_db_session
from shared_app.configs.settings import get_settings
from shared_app.main import create_app

ENGINES: dict[asyncio.AbstractEventLoop, AsyncEngine] = {}


class LoopSession(Session):
    """A session that takes its connections from the engine of the loop it runs on."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine:
        loop = asyncio.get_running_loop()
        if loop not in ENGINES:
            ENGINES[loop] = create_async_engine(get_settings().database_url, pool_pre_ping=True)
        return ENGINES[loop].sync_engine


AsyncSessionFactory.configure(sync_session_class=LoopSession)


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Report B's override. pytest-asyncio 1.0 removed the fixture it overrode: nothing uses it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


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
