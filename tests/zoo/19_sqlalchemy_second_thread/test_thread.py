import asyncio
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy
from db import AsyncSessionFactory


async def one():
    async with AsyncSessionFactory() as session:
        return (await session.execute(sqlalchemy.text("select 1"))).scalar()


async def test_in_thread():
    assert await one() == 1
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as pool:
        # Without an await: were the first loop running meanwhile, two threads would read and write
        # one connection, and what happens then is chance.
        assert pool.submit(lambda: asyncio.run(one())).result() == 1
