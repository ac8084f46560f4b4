import asyncio
import os

from pymongo import AsyncMongoClient

client = AsyncMongoClient(os.environ["WL_MONGO"])
jobs = client["zoo51"]["jobs"]


async def seed():
    await jobs.delete_many({})
    await jobs.insert_one({"title": "cook"})


class TestJobs:
    def setup_method(self):
        asyncio.run(seed())

    async def test_count(self):
        assert await jobs.count_documents({}) == 1

    async def test_title(self):
        assert (await jobs.find_one())["title"] == "cook"
