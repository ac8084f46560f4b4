"""Postgres: the engine, the session factory and the session of a request."""

from collections.abc import AsyncIterator
from functools import lru_cache

from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from shared_app.configs.resources import ResourcesDep
from shared_app.configs.settings import get_settings


@lru_cache
def get_async_engine() -> AsyncEngine:
    """The engine of this process, created once."""
    return create_async_engine(get_settings().database_url, echo=False)


AsyncSessionFactory = async_sessionmaker(bind=get_async_engine(), expire_on_commit=False)


async def get_db_session(resources: ResourcesDep = None) -> AsyncIterator[AsyncSession]:
    """Give a session and close it afterwards: a dependency of routes, or `async for` anywhere."""
    session_factory = resources.session_factory if resources else AsyncSessionFactory
    async with session_factory() as session:
        yield session
