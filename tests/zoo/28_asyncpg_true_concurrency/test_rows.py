import asyncio
import os

import asyncpg

URL = "postgresql:" + os.environ["WL_POSTGRES"]


async def test_gather():
    connection = await asyncpg.connect(URL)
    try:
        sleep = "select pg_sleep(0.05)"
        await asyncio.gather(connection.execute(sleep), connection.execute(sleep))
    finally:
        await connection.close()
