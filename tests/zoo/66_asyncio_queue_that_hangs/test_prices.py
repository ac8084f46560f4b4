import asyncio

import pytest


async def fill(prices):
    while True:
        prices.put_nowait("opened")
        prices.put_nowait("higher")
        await asyncio.sleep(1)


async def test_opening(prices):
    filling = asyncio.create_task(fill(prices))
    await asyncio.sleep(0)
    assert not filling.done()
    assert [await prices.get(), await prices.get()] == ["opened", "higher"]


@pytest.mark.timeout(5)
async def test_next_day(prices):
    assert await prices.get() == "opened"
