"""The app with a pool of five connections: `uvicorn --factory tests.support.small_pool:create`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from shared_app.configs.resources import Resources
from shared_app.configs.settings import get_settings
from shared_app.main import create_app

SIZE = 5
# How long a request waits for one of them: by default as long as SQLAlchemy lets it.
PATIENCE_S = float(os.environ.get("POOL_PATIENCE_S", "30"))


@asynccontextmanager
async def resources() -> AsyncIterator[Resources]:
    """The databases, opened and closed by the app's lifespan."""
    settings = get_settings()
    client: AsyncIOMotorClient = AsyncIOMotorClient(settings.mongo_url)
    engine = create_async_engine(
        settings.database_url,
        pool_pre_ping=True,
        pool_size=SIZE,
        max_overflow=0,
        pool_timeout=PATIENCE_S,
    )
    try:
        yield Resources(
            client.get_default_database(), async_sessionmaker(engine, expire_on_commit=False)
        )
    finally:
        client.close()
        await engine.dispose()


def create() -> FastAPI:
    """The app, all of whose requests share those connections."""
    return create_app(resources)
