from shop.api import calls


async def test_calls():
    assert await calls() == [1, 2]


async def test_calls_again():
    assert await calls() == [1, 2]
