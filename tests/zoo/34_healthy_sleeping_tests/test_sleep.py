import asyncio


async def test_sleep():
    await asyncio.sleep(0)


def test_sync():
    assert 1 + 1 == 2
