"""Eight tests in a row. The app's engine is made at import and pings a pooled connection first."""

import asyncio
import os

from httpx import AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import AsyncSessionFactory

GROUP = "postgres"
ONE = text("SELECT 1")


async def one() -> int:
    async with AsyncSessionFactory() as session:
        return await session.scalar(ONE)


async def test_1_sleeps() -> None:
    assert await asyncio.sleep(0.01, result=1) == 1


async def test_2_opens_a_session() -> None:
    assert await one() == 1


async def test_3_opens_a_session() -> None:
    assert await one() == 1


async def test_4_takes_a_session(db_session: AsyncSession) -> None:
    assert await db_session.scalar(ONE) == 1


async def test_5_opens_a_session() -> None:
    assert await one() == 1


async def test_6_takes_a_database(test_db: AsyncIOMotorDatabase) -> None:
    assert await test_db["jobs"].find_one({"title": "nobody's"}) is None


async def test_7_opens_a_client() -> None:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    assert (await client.admin.command("ping"))["ok"] == 1
    client.close()


async def test_8_asks_over_http(client: AsyncClient) -> None:
    assert (await client.get("/jobs/65f0000000000000000000ff")).status_code == 404
