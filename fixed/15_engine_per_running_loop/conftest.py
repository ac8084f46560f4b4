"""Remedy 15: sessions take the engine of the running loop; it is disposed when the loop ends."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from shared_app.configs.db import AsyncSessionFactory, get_db_session
from shared_app.configs.settings import get_settings
from shared_app.main import create_app

ENGINES: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[AsyncEngine, AsyncGenerator[None]]] = (
    WeakKeyDictionary()
)


async def until_the_loop_ends(engine: AsyncEngine) -> AsyncGenerator[None]:
    """Suspended until its loop shuts down its async generators: `asyncio.run` and runners do."""
    try:
        yield
    finally:
        await engine.dispose()


class LoopSession(Session):
    """A session that takes its connections from the engine of the loop it runs on."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine:
        loop = asyncio.get_running_loop()
        if loop not in ENGINES:
            engine = create_async_engine(get_settings().database_url, pool_pre_ping=True)
            ENGINES[loop] = engine, until_the_loop_ends(engine)
            await_only(anext(ENGINES[loop][1]))
        return ENGINES[loop][0].sync_engine


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
