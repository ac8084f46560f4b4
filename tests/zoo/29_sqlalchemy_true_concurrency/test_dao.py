import asyncio
import os

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

URL = "postgresql+asyncpg:" + os.environ["WL_POSTGRES"]
engine = create_async_engine(URL, poolclass=NullPool)
query = sqlalchemy.text("select 1")


async def one(session):
    await session.execute(query)


async def test_gather():
    async with AsyncSession(engine) as session:
        await asyncio.gather(one(session), one(session))
