"""Tests that read and commit nothing: each ends in a transaction, which the session fixture ends.

The order matters where connections are pooled. The first two tests use a second connection, which
goes back to the pool; what the fixture cannot end never does. So no outcome hangs on the moment
at which the garbage collector takes such a connection back.
"""

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import AsyncSessionFactory
from shared_app.conversations.dao import ConversationDAO
from shared_app.conversations.models import Conversation

GROUP = "postgres"

COUNT = select(func.count()).select_from(Conversation)


async def test_read_through_a_route(client: httpx.AsyncClient, db_session: AsyncSession) -> None:
    assert await db_session.scalar(COUNT) == 0

    response = await client.get("/conversations")

    assert response.status_code == 200
    assert response.json()["total"] == 0


async def test_two_sessions_at_once(db_session: AsyncSession) -> None:
    assert await db_session.scalar(COUNT) == 0

    async with AsyncSessionFactory() as other:
        await ConversationDAO(other).create_conversation("By the other session")

    assert await db_session.scalar(COUNT) == 1


async def test_read_and_end(db_session: AsyncSession) -> None:
    assert await db_session.scalar(COUNT) == 0


# Passes if its assert fails, and nothing else does: how the fixture ends after it is the test.
@pytest.mark.xfail(raises=AssertionError, strict=True)
async def test_read_and_fail(db_session: AsyncSession) -> None:
    assert await db_session.scalar(COUNT) == 1
