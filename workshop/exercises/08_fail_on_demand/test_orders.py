"""Somebody reported: "test_total fails in CI, sometimes. Here it passes."."""

import asyncio

from store import answer

GROUP = "postgres"


async def test_prices() -> None:
    assert await answer(3) == 3


async def test_waiting() -> None:
    assert await asyncio.sleep(0.01, result=1) == 1


async def test_discount() -> None:
    assert await answer(10) == 10


async def test_twice() -> None:
    assert await answer(4) + await answer(5) == 9


async def test_stock() -> None:
    assert await answer(7) == 7


async def test_total() -> None:
    assert await answer(42) == 42
