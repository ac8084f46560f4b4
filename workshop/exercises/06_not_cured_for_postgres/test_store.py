"""Four tests that ask for a number each."""

from store import answer

GROUP = "postgres"


async def test_one() -> None:
    assert await answer(1) == 1


async def test_two() -> None:
    assert await answer(2) == 2


async def test_three() -> None:
    assert await answer(3) == 3


async def test_four() -> None:
    assert await answer(4) == 4
