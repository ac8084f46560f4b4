import os

import httpx
import pytest

URL = os.environ["WL_HTTP"]


@pytest.fixture(scope="session")
def client():
    return httpx.AsyncClient()


async def test_first(client):
    assert (await client.get(URL)).text == "ok"


async def test_second(client):
    assert (await client.get(URL)).text == "ok"
