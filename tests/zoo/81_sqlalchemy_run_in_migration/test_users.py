import os

import asyncpg


async def test_empty(tables):
    connection = await asyncpg.connect(f"postgresql:{os.environ['WL_POSTGRES']}")
    assert await connection.fetch("select * from users81") == []
    await connection.execute("drop table users81")
    await connection.close()
