"""Remedy 05: an engine per test, function fixture loop scope, and db.py imported again."""

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from loguru import logger
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared_app.configs import db
from shared_app.configs.settings import get_settings
from shared_app.main import create_app


@pytest.fixture(scope="session")
def event_loop() -> asyncio.AbstractEventLoop:
    """Report B's final override: it does not close its loop. Nothing uses this one either."""
    return asyncio.new_event_loop()


@pytest.fixture(scope="session", autouse=True)
def configure_logging() -> None:
    logger.remove()
    logger.add(sys.stderr, level="INFO")


@pytest.fixture(autouse=True)
async def reset_db_cache() -> None:
    db.get_async_engine.cache_clear()
    importlib.reload(db)


@pytest.fixture
async def test_db() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")  # its first use: from here on it is bound to this loop
    yield client.get_default_database()
    client.close()


@pytest.fixture
async def db_session() -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(get_settings().database_url, pool_pre_ping=True)
    session = async_sessionmaker(bind=engine, expire_on_commit=False)()
    yield session
    await session.close()
    await engine.dispose()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=create_app())
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
