"""Failures that are told in the words of event loops. Not each is about one."""

import asyncio
import os

import asyncpg
from sqlalchemy import text
from store import engine

GROUP = "postgres"
ONE, SLEEP = text("SELECT 1"), "SELECT pg_sleep(0.05)"


async def test_opens() -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(ONE) == 1


async def test_uses() -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(ONE) == 1


async def test_uses_again() -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(ONE) == 1


async def test_two_at_once() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        await asyncio.gather(connection.execute(SLEEP), connection.execute(SLEEP))
    finally:
        await connection.close()


async def test_within_time(time_limit: None) -> None:
    assert await asyncio.sleep(0.01, result=1) == 1
