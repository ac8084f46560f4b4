import os

import asyncpg
import pytest


@pytest.fixture
async def connection():
    connection = await asyncpg.connect(f"postgresql:{os.environ['WL_POSTGRES']}")
    yield connection
    connection.terminate()


async def test_row(connection):
    assert await connection.fetchval("select 1") == 1
