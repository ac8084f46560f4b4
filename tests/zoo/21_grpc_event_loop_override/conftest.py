import asyncio
import os

import grpc
import pytest


@pytest.fixture(scope="session")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
async def channel():
    async with grpc.aio.insecure_channel(os.environ["WL_GRPC"]) as channel:
        yield channel
