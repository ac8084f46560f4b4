import os

import aiohttp
import pytest

URL = os.environ["WL_HTTP"]


@pytest.fixture
def http():
    return aiohttp.ClientSession()


async def test_get(http):
    async with http, http.get(URL) as answer:
        assert await answer.text() == "ok"
