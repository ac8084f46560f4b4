import os
from unittest import IsolatedAsyncioTestCase

import redis.asyncio


class TestCase(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.cache = redis.asyncio.from_url(os.environ["WL_REDIS"])

    async def asyncTearDown(self):
        await self.cache.aclose()

    async def test_one(self):
        await self.cache.set("d", 1)

    async def test_two(self):
        await self.cache.set("d", 2)
