import asyncio

import grpc
import pytest
from server import serve


@pytest.fixture(scope="session")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
async def channel():
    server, address = serve()
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel
    server.stop(None)
