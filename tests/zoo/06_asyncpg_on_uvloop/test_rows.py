import os

import asyncpg

kept = []


async def connection():
    if not kept:
        kept.append(await asyncpg.connect("postgresql:" + os.environ["WL_POSTGRES"]))
    return kept[0]


async def test_first():
    assert await (await connection()).fetchval("select 1") == 1


async def test_second():
    assert await (await connection()).fetchval("select 1") == 1
