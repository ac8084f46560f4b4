"""The control: asynchronous tests without a database, which pass on every side."""

import asyncio

GROUP = "control"


async def test_simple_async() -> None:
    assert await asyncio.sleep(0.01, result="awake") == "awake"


async def test_another_simple_async() -> None:
    sleeps = [asyncio.sleep(0.01, result=number) for number in range(3)]

    assert await asyncio.gather(*sleeps) == [0, 1, 2]
