import os

import aiomysql
import pytest_asyncio


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool():
    socket = os.environ["WL_MYSQL_SOCKET"]
    pool = await aiomysql.create_pool(unix_socket=socket, user="root", db="zoo")
    yield pool
    pool.terminate()
    await pool.wait_closed()


async def test_row(pool):
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("select 1")
        assert await cursor.fetchone() == (1,)
