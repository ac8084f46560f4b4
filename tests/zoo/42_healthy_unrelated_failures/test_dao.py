import asyncio
import os

import asyncpg


async def test_assertion():
    connection = await asyncpg.connect("postgresql:" + os.environ["WL_POSTGRES"])
    try:
        assert await connection.fetchval("select 1") == 2
    finally:
        await connection.close()


async def test_timeout():
    await asyncio.wait_for(asyncio.sleep(10), 0.01)


async def test_runtime_error():
    raise RuntimeError("the event was closed, and the loop of the road is different")
