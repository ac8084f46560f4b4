import aiohttp
import pytest
from server import serve

URL = serve()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        async with session.get(URL) as answer:
            assert await answer.text() == "ok"
        yield session


async def test_get(http):
    async with http.get(URL) as answer:
        assert await answer.text() == "ok"
