"""The conversation between the database and a language model."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from sqlalchemy.ext.asyncio import AsyncSession

from shared_app.chat.models import ChatEvent, Done, Failed, ProviderName, Token
from shared_app.chat.providers import ProviderError, Turn, stream_answer
from shared_app.conversations.dao import ConversationDAO


async def stream_chat_response(
    session: AsyncSession,
    conversation_id: uuid.UUID,
    content: str,
    provider: ProviderName | str,
) -> AsyncGenerator[ChatEvent, None]:
    """Have a provider answer a message: yield its tokens, then what became of the answer.

    Question and answer are stored together once the answer is complete, and not at all otherwise.
    No database connection is held while the provider talks.
    """
    name = ProviderName(provider)
    dao = ConversationDAO(session)
    messages = await dao.get_messages(conversation_id)
    history = [(message.role, message.content) for message in messages]
    question: Turn = ("user", content)
    answer = ""
    try:
        async with aclosing(stream_answer(name, [*history, question])) as pieces:
            async for piece in pieces:
                answer += piece
                yield Token(text=piece)
        if not answer:
            raise ProviderError("gave an empty answer")
    except ProviderError as error:
        yield Failed(provider=name, reason=str(error))
        return

    _, reply = await dao.add_messages(conversation_id, [question, ("assistant", answer)])
    yield Done(message_id=reply.id)
