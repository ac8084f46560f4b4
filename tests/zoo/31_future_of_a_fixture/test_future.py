import asyncio

import pytest


@pytest.fixture
async def answer():
    future = asyncio.get_running_loop().create_future()
    return future


async def test_await(answer):
    asyncio.get_running_loop().call_later(0.01, answer.cancel)
    with pytest.raises(asyncio.CancelledError):
        await answer
