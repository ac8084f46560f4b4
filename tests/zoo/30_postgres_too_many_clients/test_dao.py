import os

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg:" + os.environ["WL_POSTGRES"]
engines = []


async def one():
    engine = create_async_engine(URL)
    engines.append(engine)
    async with engine.connect() as connection:
        row = (await connection.execute(sqlalchemy.text("select 1"))).scalar()
    return row


@pytest.mark.asyncio(loop_scope="module")
async def test_many():
    try:
        for _ in range(120):
            assert await one() == 1
    finally:
        for engine in engines:
            await engine.dispose()
