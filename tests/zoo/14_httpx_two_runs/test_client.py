import asyncio

import httpx
from server import serve

URL = serve()
client = httpx.AsyncClient()


async def get():
    return (await client.get(URL)).text


def test_two_runs():
    assert asyncio.run(get()) == "ok"
    assert asyncio.run(get()) == "ok"
