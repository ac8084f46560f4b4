from feed import ask


async def test_ask():
    assert await ask("price") == "price"


async def test_ask_again():
    assert await ask("stock") == "stock"
