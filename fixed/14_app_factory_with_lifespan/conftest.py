"""Remedy 14: the app's lifespan opens every client, on the loop of the test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shared_app.configs.db import AsyncSessionFactory
from shared_app.configs.resources import Resources
from shared_app.configs.settings import get_settings
from shared_app.main import create_app


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Report B's override. pytest-asyncio 1.0 removed the fixture it overrode: nothing uses it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@asynccontextmanager
async def resources() -> AsyncIterator[Resources]:
    client = AsyncIOMotorClient(get_settings().mongo_url)
    engine = create_async_engine(get_settings().database_url)
    AsyncSessionFactory.configure(bind=engine)  # also for those who imported it by name
    try:
        yield Resources(client.get_default_database(), AsyncSessionFactory)
    finally:
        client.close()
        await engine.dispose()


@pytest.fixture(autouse=True)
async def app() -> AsyncIterator[FastAPI]:
    app = create_app(resources)
    async with LifespanManager(app):
        yield app


@pytest.fixture
async def test_db(app: FastAPI) -> AsyncIOMotorDatabase:
    return app.state.resources.mongo_db


@pytest.fixture
async def db_session(app: FastAPI) -> AsyncIterator[AsyncSession]:
    async with app.state.resources.session_factory() as session:
        yield session


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=app)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
