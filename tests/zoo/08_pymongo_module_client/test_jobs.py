import os

from pymongo import AsyncMongoClient

client = AsyncMongoClient(os.environ["WL_MONGO"])


async def test_first():
    await client.admin.command("ping")


async def test_second():
    await client.admin.command("ping")
