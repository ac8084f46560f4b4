"""Access to conversations and messages."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.conversations.models import Conversation, Message, Role


class ConversationDAO:
    """Reads and writes conversations.

    Every method is one transaction, reading ones too, and leaves the session without a
    connection: whoever reads a conversation may then wait on a language model for a minute.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create_conversation(self, title: str) -> Conversation:
        """Store a new conversation without messages."""
        conversation = Conversation(title=title)
        async with self._session.begin():
            self._session.add(conversation)
        return conversation

    async def get_conversation(self, conversation_id: uuid.UUID) -> Conversation | None:
        query = select(Conversation).where(Conversation.id == conversation_id)
        async with self._session.begin():
            return await self._session.scalar(query)

    async def get_conversations(
        self, page: int = 1, page_size: int = 20
    ) -> tuple[Sequence[Conversation], int]:
        """One page of the conversations, newest first, and the number of all."""
        query = (
            select(Conversation)
            .order_by(Conversation.created_at.desc(), Conversation.id.desc())
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        async with self._session.begin():
            total = await self._session.scalar(select(func.count()).select_from(Conversation))
            conversations = (await self._session.scalars(query)).all()
        return conversations, total or 0

    async def add_messages(
        self, conversation_id: uuid.UUID, messages: Sequence[tuple[Role, str]]
    ) -> list[Message]:
        """Append messages, given as role and content: all of them or, on any error, none."""
        conversation = select(Conversation.id).where(Conversation.id == conversation_id)
        count = select(func.count()).where(Message.conversation_id == conversation_id)
        async with self._session.begin():
            # The row lock makes two writers take turns, so that each finds its own positions.
            await self._session.execute(conversation.with_for_update())
            first = await self._session.scalar(count) or 0
            added = [
                Message(conversation_id=conversation_id, position=place, role=role, content=text)
                for place, (role, text) in enumerate(messages, start=first)
            ]
            self._session.add_all(added)
        return added

    async def get_messages(self, conversation_id: uuid.UUID) -> Sequence[Message]:
        """Everything said in a conversation, in order."""
        query = select(Message).where(Message.conversation_id == conversation_id)
        async with self._session.begin():
            return (await self._session.scalars(query.order_by(Message.position))).all()
