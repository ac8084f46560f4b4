import asyncio
import os
from urllib.parse import urlsplit

import pytest

SERVER = urlsplit(os.environ["WL_HTTP"])


class Client:
    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection(SERVER.hostname, SERVER.port)

    async def status(self, path):
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        line = await self.reader.readline()
        return int(line.split()[1])


@pytest.fixture
async def client():
    client = Client()
    await client.connect()
    yield client
    client.writer.close()


async def test_two_requests_at_once(client):
    assert await asyncio.gather(client.status("/"), client.status("/")) == [200, 200]
