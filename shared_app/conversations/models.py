"""Conversations and messages: as tables, and on their way in and out."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy import DateTime, ForeignKey, Index, String, Text, UniqueConstraint, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_app.fields import Storable

Role = Literal["user", "assistant"]


class Base(DeclarativeBase):
    """All tables of the app: `Base.metadata` creates them."""


class Conversation(Base):
    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_newest", "created_at", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    title: Mapped[str] = mapped_column(String(200))
    # `now()` is when the transaction began: conversations of one transaction would tie.
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


class Message(Base):
    """One message; `position` is its place in the conversation, from 0."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    conversation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    position: Mapped[int]
    role: Mapped[Role] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)


class ConversationCreate(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=200), Storable]


class ConversationOut(BaseModel):
    id: uuid.UUID
    title: str
    created_at: datetime


class MessageOut(BaseModel):
    id: uuid.UUID
    role: Role
    content: str


class ConversationDetail(ConversationOut):
    """A conversation with everything said in it, in order."""

    messages: list[MessageOut]
