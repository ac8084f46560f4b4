"""Isolated and slow: an engine for each test, and every row deleted behind it."""

import os
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shared_app.conversations.models import Base

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def session() -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(URL)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(table.delete())
        await session.commit()
    await engine.dispose()
