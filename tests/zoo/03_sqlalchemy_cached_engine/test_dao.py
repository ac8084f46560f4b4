import sqlalchemy
from db import AsyncSessionFactory


async def one():
    async with AsyncSessionFactory() as session:
        return (await session.execute(sqlalchemy.text("select 1"))).scalar()


async def test_first():
    assert await one() == 1


async def test_second():
    assert await one() == 1
