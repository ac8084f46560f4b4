import os

import psycopg_pool
import pytest_asyncio


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool():
    url = "postgresql:" + os.environ["WL_POSTGRES"]
    pool = psycopg_pool.AsyncConnectionPool(url, min_size=0, max_size=1, open=False, timeout=1)
    await pool.open()
    yield pool
    await pool.close()
