async def test_echo(channel):
    assert await channel.unary_unary("/echo/Echo")(b"a") == b"a"
