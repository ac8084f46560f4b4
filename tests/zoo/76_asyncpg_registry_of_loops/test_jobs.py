import asyncio

from pools import pool


async def one():
    return await (await pool()).fetchval("select 1")


def test_jobs():
    for _ in range(24):
        assert asyncio.run(one()) == 1
