import os

import httpx
import pytest

URL = os.environ["WL_HTTP"]


@pytest.fixture
async def http():
    client = httpx.AsyncClient()
    await client.get(URL)
    return client


async def test_get(http):
    assert (await http.get(URL)).text == "ok"
    await http.aclose()
