import os

import asyncpg
import pytest_asyncio


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool():
    async with asyncpg.create_pool("postgresql:" + os.environ["WL_POSTGRES"], min_size=1) as pool:
        yield pool
