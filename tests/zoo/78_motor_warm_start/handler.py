import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient

users = AsyncIOMotorClient(os.environ["WL_MONGO"]).zoo.users78


async def main(event):
    return await users.count_documents({"name": event["name"]})


def handler(event, context):
    return asyncio.run(main(event))
