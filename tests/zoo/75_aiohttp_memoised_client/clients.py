import os
from functools import lru_cache

import aiohttp


@lru_cache
def session():
    return aiohttp.ClientSession()


async def get():
    async with session().get(os.environ["WL_HTTP"]) as response:
        return await response.text()
