import asyncio

lock = asyncio.Lock()
kept = asyncio.Event()


async def job():
    async with lock:
        await asyncio.sleep(0)


async def test_alone():
    await job()
    kept.set()
    await kept.wait()


async def test_alone_again():
    await job()
    await kept.wait()


async def test_contended():
    own = asyncio.Lock()

    async def mine():
        async with own:
            await asyncio.sleep(0)

    await asyncio.gather(mine(), mine())
