import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.chat.models import ChatEvent, ChatRequest, Failed
from shared_app.chat.service import stream_chat_response
from shared_app.conversations.dao import ConversationDAO
from shared_app.conversations.routes import SessionDep
from shared_app.errors import documented, is_unavailable

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/conversations", tags=["chat"])

# What FastAPI sends with its own event streams: no cache and no proxy holds an event back.
UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
NOT_STORED = "gave no answer that could be stored: a database is unavailable"


@router.post(
    "/{conversation_id}/chat",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **documented(400, 404, 413)},
)
async def chat(
    conversation_id: uuid.UUID, request: ChatRequest, session: SessionDep
) -> EventSourceResponse:
    """Ask in a conversation, and stream the answer: events `token`, then `done` or `error`."""
    if await ConversationDAO(session).get_conversation(conversation_id) is None:
        raise HTTPException(404, "no such conversation")
    # Returned, rather than yielded event by event from this function: FastAPI would run such a
    # generator in a task group, and a database error in it would arrive as an ExceptionGroup.
    return EventSourceResponse(_events(session, conversation_id, request), headers=UNBUFFERED)


async def _events(
    session: AsyncSession, conversation_id: uuid.UUID, request: ChatRequest
) -> AsyncIterator[bytes]:
    answer = stream_chat_response(session, conversation_id, request.content, request.provider)
    try:
        async with aclosing(answer) as events:
            async for event in events:
                yield _sse(event)
    except Exception as error:
        if not is_unavailable(error):
            raise
        # The answer began as a 200 that no handler can turn into a 503 any more.
        logger.warning("chat in %s: a database is unavailable", conversation_id, exc_info=error)
        yield _sse(Failed(provider=request.provider, reason=NOT_STORED))


def _sse(event: ChatEvent) -> bytes:
    return format_sse_event(event=event.event, data_str=event.model_dump_json())
