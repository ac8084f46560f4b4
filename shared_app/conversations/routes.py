import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.configs.db import get_db_session
from shared_app.conversations.dao import ConversationDAO
from shared_app.conversations.models import (
    Conversation,
    ConversationCreate,
    ConversationDetail,
    ConversationOut,
)
from shared_app.errors import documented
from shared_app.fields import Page, PageNumber, PageSize

router = APIRouter(prefix="/conversations", tags=["conversations"])

SessionDep = Annotated[AsyncSession, Depends(get_db_session)]


@router.post("", status_code=201, response_model=ConversationOut, responses=documented(400, 413))
async def create_conversation(new: ConversationCreate, session: SessionDep) -> Conversation:
    """Start a conversation."""
    return await ConversationDAO(session).create_conversation(new.title)


@router.get("", response_model=Page[ConversationOut])
async def list_conversations(
    session: SessionDep, page: PageNumber = 1, page_size: PageSize = 20
) -> dict[str, Any]:
    """List conversations, newest first."""
    items, total = await ConversationDAO(session).get_conversations(page, page_size)
    return {"items": items, "total": total, "page": page, "page_size": page_size}


@router.get("/{conversation_id}", response_model=ConversationDetail, responses=documented(404))
async def read_conversation(conversation_id: uuid.UUID, session: SessionDep) -> dict[str, Any]:
    """Read a conversation with its messages."""
    dao = ConversationDAO(session)
    conversation = await dao.get_conversation(conversation_id)
    if conversation is None:
        raise HTTPException(404, "no such conversation")
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "messages": await dao.get_messages(conversation_id),
    }
