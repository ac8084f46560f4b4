"""The engine of this small project, made when it is imported, and what the tests ask of it."""

import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
engine = create_async_engine(URL)
sessions = async_sessionmaker(engine)


async def answer(number: int) -> int:
    """Ask Postgres for a number."""
    async with sessions() as session:
        return await session.scalar(text("SELECT CAST(:number AS integer)"), {"number": number})
