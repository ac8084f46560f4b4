import asyncio

from shop._vendor.ratelimit import Limiter

limiter = Limiter()


async def call(number):
    async with limiter:
        await asyncio.sleep(0)
        return number


async def calls():
    return await asyncio.gather(call(1), call(2))
