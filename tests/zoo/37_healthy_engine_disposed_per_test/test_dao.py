import os

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"], pool_pre_ping=True)


@pytest.fixture(autouse=True)
async def disposed():
    yield
    await engine.dispose()


async def one():
    async with engine.connect() as connection:
        return (await connection.execute(sqlalchemy.text("select 1"))).scalar()


async def test_one():
    assert await one() == 1


async def test_two():
    assert await one() == 1
