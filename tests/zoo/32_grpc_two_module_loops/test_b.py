from app import channel


async def test_echo():
    assert await channel().unary_unary("/echo/Echo")(b"a") == b"a"
