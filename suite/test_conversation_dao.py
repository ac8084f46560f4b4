"""The DAO on sessions of the app's own factory, which is imported by name.

Each test does its database work in one session, which it finishes and closes.
"""

import uuid

from shared_app.configs.db import AsyncSessionFactory
from shared_app.conversations.dao import ConversationDAO

GROUP = "postgres"


async def test_create_conversation() -> None:
    async with AsyncSessionFactory() as session:
        conversation = await ConversationDAO(session).create_conversation("Salary")

    assert isinstance(conversation.id, uuid.UUID)
    assert conversation.title == "Salary"
    assert conversation.created_at.tzinfo is not None


async def test_create_and_get_conversations() -> None:
    async with AsyncSessionFactory() as session:
        dao = ConversationDAO(session)
        first = await dao.create_conversation("First")
        second = await dao.create_conversation("Second")
        conversations, total = await dao.get_conversations()

    assert [conversation.id for conversation in conversations] == [second.id, first.id]
    assert total == 2


async def test_conversations_come_in_pages() -> None:
    async with AsyncSessionFactory() as session:
        dao = ConversationDAO(session)
        for number in range(5):
            await dao.create_conversation(f"Number {number}")
        middle, total = await dao.get_conversations(page=2, page_size=2)
        beyond, _ = await dao.get_conversations(page=4, page_size=2)

    assert [conversation.title for conversation in middle] == ["Number 2", "Number 1"]
    assert list(beyond) == []
    assert total == 5


async def test_get_conversation_by_id() -> None:
    async with AsyncSessionFactory() as session:
        dao = ConversationDAO(session)
        created = await dao.create_conversation("Found")
        found = await dao.get_conversation(created.id)
        missing = await dao.get_conversation(uuid.uuid4())

    assert found is not None
    assert found.title == "Found"
    assert missing is None


async def test_messages_keep_their_order() -> None:
    async with AsyncSessionFactory() as session:
        dao = ConversationDAO(session)
        conversation = await dao.create_conversation("Order")
        await dao.add_messages(conversation.id, [("user", "one"), ("assistant", "two")])
        await dao.add_messages(conversation.id, [("user", "three")])
        messages = await dao.get_messages(conversation.id)

    stored = [(message.position, message.role, message.content) for message in messages]
    assert stored == [(0, "user", "one"), (1, "assistant", "two"), (2, "user", "three")]


async def test_conversations_keep_their_messages_apart() -> None:
    async with AsyncSessionFactory() as session:
        dao = ConversationDAO(session)
        here = await dao.create_conversation("Here")
        there = await dao.create_conversation("There")
        await dao.add_messages(here.id, [("user", "only here")])
        messages_here = await dao.get_messages(here.id)
        messages_there = await dao.get_messages(there.id)

    assert [message.content for message in messages_here] == ["only here"]
    assert list(messages_there) == []
