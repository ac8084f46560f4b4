"""The second test fails, in words that no message of asyncio's has."""

from courier import Courier

GROUP = "control"
COURIER = Courier("Loop Street")


async def test_a_letter() -> None:
    assert await COURIER.deliver("a letter") == "a letter to Loop Street"


async def test_a_parcel() -> None:
    assert await COURIER.deliver("a parcel") == "a parcel to Loop Street"
