import os

import redis.asyncio
from asgiref.sync import async_to_sync

cache = redis.asyncio.from_url(os.environ["WL_REDIS"])


async def send():
    await cache.set("b", 1)


async def send_all():
    await send()
    await send()


def test_two_calls():
    async_to_sync(send)()
    async_to_sync(send)()
