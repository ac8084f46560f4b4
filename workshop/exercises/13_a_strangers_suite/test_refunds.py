import asyncpg
import pytest
from pymongo.asynchronous.collection import AsyncCollection

GROUP = "mongo"
pytestmark = pytest.mark.asyncio


async def test_nothing_is_paid_back(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("SELECT 0") == 0


async def test_a_refund_is_an_event(events: AsyncCollection) -> None:
    await events.insert_one({"kind": "refund", "amount": 15})

    assert await events.count_documents({"kind": "refund"}) == 1
