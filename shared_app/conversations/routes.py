import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import get_db_session
from shared_app.conversations.dao import ConversationDAO
from shared_app.conversations.models import (
    ConversationCreate,
    ConversationDetail,
    ConversationOut,
    MessageOut,
)
from shared_app.errors import documented
from shared_app.fields import Page, PageNumber, PageSize

router = APIRouter(prefix="/conversations", tags=["conversations"])

SessionDep = Annotated[AsyncSession, Depends(get_db_session)]


@router.post("", status_code=201, responses=documented(400, 413))
async def create_conversation(new: ConversationCreate, session: SessionDep) -> ConversationOut:
    """Start a conversation."""
    conversation = await ConversationDAO(session).create_conversation(new.title)
    return ConversationOut.model_validate(conversation)


@router.get("")
async def list_conversations(
    session: SessionDep, page: PageNumber = 1, page_size: PageSize = 20
) -> Page[ConversationOut]:
    """List conversations, newest first."""
    conversations, total = await ConversationDAO(session).get_conversations(page, page_size)
    items = [ConversationOut.model_validate(conversation) for conversation in conversations]
    return Page(items=items, total=total, page=page, page_size=page_size)


@router.get("/{conversation_id}", responses=documented(404))
async def read_conversation(conversation_id: uuid.UUID, session: SessionDep) -> ConversationDetail:
    """Read a conversation with its messages."""
    dao = ConversationDAO(session)
    conversation = await dao.get_conversation(conversation_id)
    if conversation is None:
        raise HTTPException(404, "no such conversation")
    messages = await dao.get_messages(conversation_id)
    return ConversationDetail(
        **ConversationOut.model_validate(conversation).model_dump(),
        messages=[MessageOut.model_validate(message) for message in messages],
    )
