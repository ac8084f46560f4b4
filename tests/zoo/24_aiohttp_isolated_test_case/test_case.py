import os
from unittest import IsolatedAsyncioTestCase

import aiohttp

URL = os.environ["WL_HTTP"]
kept = []


def http():
    if not kept:
        kept.append(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)))
    return kept[0]


class TestCase(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.http = http()

    async def asyncTearDown(self):
        pass

    async def test_first(self):
        async with self.http.get(URL) as answer:
            assert await answer.text() == "ok"

    async def test_second(self):
        async with self.http.get(URL) as answer:
            assert await answer.text() == "ok"
