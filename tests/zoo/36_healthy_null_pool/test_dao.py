import os

import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"], poolclass=NullPool)


async def one():
    async with engine.connect() as connection:
        return (await connection.execute(sqlalchemy.text("select 1"))).scalar()


async def test_one():
    assert await one() == 1


async def test_two():
    assert await one() == 1
