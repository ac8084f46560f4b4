import asyncio
import os
from functools import cache

import asyncpg


@cache
def loop():
    return asyncio.get_running_loop()


async def notified():
    told = loop().create_future()
    connection = await asyncpg.connect(f"postgresql:{os.environ['WL_POSTGRES']}")
    try:
        await connection.add_listener("jobs79", lambda *args: told.set_result(args[-1]))
        notify = asyncio.create_task(connection.execute("notify jobs79, 'done'"))
        return await told
    finally:
        await notify
        await connection.close()


async def test_first():
    assert await notified() == "done"


async def test_second():
    assert await notified() == "done"
