"""Trap 07: Starlette's TestClient makes the requests, beside direct awaits."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import get_db_session
from shared_app.main import create_app


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Report B's override. pytest-asyncio 1.0 removed the fixture it overrode: nothing uses it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
async def test_db() -> AsyncIterator[AsyncIOMotorDatabase]:
    client = AsyncIOMotorClient(os.environ["MONGO_URL"])
    await client.admin.command("ping")  # its first use: from here on it is bound to this loop
    yield client.get_default_database()
    client.close()


@pytest.fixture
async def db_session() -> AsyncIterator[AsyncSession]:
    async for session in get_db_session():
        yield session


class AwaitableTestClient:
    """The suite awaits its client; TestClient runs each request on a loop in another thread."""

    def __init__(self) -> None:
        self._client = TestClient(create_app())

    async def get(self, url: str, **options: Any) -> Response:
        return self._client.get(url, **options)

    async def post(self, url: str, **options: Any) -> Response:
        return self._client.post(url, **options)


@pytest.fixture
async def client() -> AwaitableTestClient:
    return AwaitableTestClient()
