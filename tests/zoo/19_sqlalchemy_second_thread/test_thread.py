import asyncio
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy
from db import AsyncSessionFactory


async def one():
    async with AsyncSessionFactory() as session:
        return (await session.execute(sqlalchemy.text("select 1"))).scalar()


async def test_in_thread():
    assert await one() == 1
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as pool:
        assert await loop.run_in_executor(pool, lambda: asyncio.run(one())) == 1
