import asyncio

queue = asyncio.Queue()


async def take():
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await waiting


async def test_first():
    assert await take() == 1


async def test_second():
    assert await take() == 1
