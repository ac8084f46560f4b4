import aiohttp
import pytest
from server import serve

URL = serve()


@pytest.fixture
def http():
    return aiohttp.ClientSession()


async def test_get(http):
    async with http, http.get(URL) as answer:
        assert await answer.text() == "ok"
