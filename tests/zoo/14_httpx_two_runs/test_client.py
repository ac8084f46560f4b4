import asyncio
import os

import httpx

URL = os.environ["WL_HTTP"]
client = httpx.AsyncClient()


async def get():
    return (await client.get(URL)).text


def test_two_runs():
    assert asyncio.run(get()) == "ok"
    assert asyncio.run(get()) == "ok"
