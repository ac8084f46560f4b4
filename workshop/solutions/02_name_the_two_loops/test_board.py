"""One test awaits what the fixture has used, one awaits nothing of it."""

import asyncio

from motor.motor_asyncio import AsyncIOMotorDatabase

GROUP = "mongo"


async def test_sleeping(job_board: AsyncIOMotorDatabase) -> None:
    assert await asyncio.sleep(0.01, result=job_board.name) == job_board.name


async def test_storing(job_board: AsyncIOMotorDatabase) -> None:
    await job_board["jobs"].insert_one({"title": "Data engineer"})

    assert await job_board["jobs"].count_documents({}) == 1
