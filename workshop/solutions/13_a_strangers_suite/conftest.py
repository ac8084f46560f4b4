"""Fixtures of the order service."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from clients import Clients
from pymongo.asynchronous.collection import AsyncCollection


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def connections() -> AsyncIterator[None]:
    await Clients.mongo().admin.command("ping")
    yield
    await Clients.close()


@pytest_asyncio.fixture
async def pool() -> asyncpg.Pool:
    return await Clients.pool()


@pytest_asyncio.fixture
async def events() -> AsyncCollection:
    return Clients.mongo().get_default_database()["events"]
