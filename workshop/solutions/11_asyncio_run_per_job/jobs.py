"""What a scheduler calls: each job runs by asyncio.run, on a loop of its own. No pytest in here."""

import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)


async def total(numbers: list[int]) -> int:
    """Add numbers in Postgres, in a session for each."""
    result = 0
    engine = create_async_engine(URL)
    sessions = async_sessionmaker(engine)
    try:
        for number in numbers:
            async with sessions() as session:
                query = text("SELECT CAST(:result AS integer) + CAST(:number AS integer)")
                result = await session.scalar(query, {"result": result, "number": number})
    finally:
        await engine.dispose()
    return result


def run_job(numbers: list[int]) -> int:
    """One job, from synchronous code."""
    return asyncio.run(total(numbers))
