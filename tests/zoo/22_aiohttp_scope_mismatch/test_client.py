import os

import aiohttp
import pytest

URL = os.environ["WL_HTTP"]


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        async with session.get(URL) as answer:
            assert await answer.text() == "ok"
        yield session


async def test_get(http):
    async with http.get(URL) as answer:
        assert await answer.text() == "ok"
