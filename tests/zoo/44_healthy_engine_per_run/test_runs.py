import asyncio
import os

import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine


async def one():
    engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"])
    async with engine.connect() as connection:
        row = (await connection.execute(sqlalchemy.text("select 1"))).scalar()
    await engine.dispose()
    return row


def test_two_runs():
    assert asyncio.run(one()) == 1
    assert asyncio.run(one()) == 1
