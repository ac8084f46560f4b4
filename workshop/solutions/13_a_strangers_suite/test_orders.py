import asyncpg
import pytest

GROUP = "postgres"
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_sum(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("SELECT 2 + 2") == 4


async def test_a_discount(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT 100 - 15") == 85
