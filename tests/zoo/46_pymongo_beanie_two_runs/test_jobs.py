import asyncio
import os

from beanie import Document, init_beanie
from pymongo import AsyncMongoClient


class Job(Document):
    title: str


async def start():
    client = AsyncMongoClient(os.environ["WL_MONGO"])
    await init_beanie(client["zoo46"], document_models=[Job])


async def count():
    return await Job.find(Job.title == "cook").count()


def test_two_runs():
    asyncio.run(start())
    assert asyncio.run(count()) == 0
