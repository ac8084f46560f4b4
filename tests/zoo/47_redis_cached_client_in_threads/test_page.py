import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import redis.asyncio


@lru_cache
def client():
    return redis.asyncio.from_url(os.environ["WL_REDIS"])


async def page():
    return await client().incr("zoo47")


def show():
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, page()).result()


def test_shown_twice():
    first = show()
    assert show() == first + 1
