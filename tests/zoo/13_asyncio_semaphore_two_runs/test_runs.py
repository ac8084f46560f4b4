import asyncio

limit = asyncio.Semaphore(1)


async def job():
    async with limit:
        await asyncio.sleep(0)


async def jobs():
    await asyncio.gather(job(), job())


def test_two_runs():
    asyncio.run(jobs())
    asyncio.run(jobs())
