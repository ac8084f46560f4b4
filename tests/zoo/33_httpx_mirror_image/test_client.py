import httpx
import pytest
from server import serve

URL = serve()


@pytest.fixture
async def http():
    client = httpx.AsyncClient()
    await client.get(URL)
    return client


async def test_get(http):
    assert (await http.get(URL)).text == "ok"
    await http.aclose()
