"""Six tests that write, commit, and expect to be the first to do so. Nothing empties for them."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.conversations.dao import ConversationDAO

GROUP = "control"


@pytest.mark.parametrize("title", ["one", "two", "three", "four", "five"])
async def test_each_sees_only_its_own(session: AsyncSession, title: str) -> None:
    dao = ConversationDAO(session)
    await dao.create_conversation(title)

    conversations, total = await dao.get_conversations(page=1, page_size=10)

    assert total == 1
    assert conversations[0].title == title


async def test_nothing_is_left(session: AsyncSession) -> None:
    _, total = await ConversationDAO(session).get_conversations(page=1, page_size=10)

    assert total == 0
