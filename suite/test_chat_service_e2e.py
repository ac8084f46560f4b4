"""The chat service from a session to a provider and back, over real HTTP to a local upstream."""

from sqlalchemy.ext.asyncio import AsyncSession

from scripts.servers.chat_provider import answer_to
from shared_app.chat.models import Done, Failed, ProviderName, Token
from shared_app.chat.service import stream_chat_response
from shared_app.conversations.dao import ConversationDAO

GROUP = "postgres"


async def test_chat_starts_a_conversation_e2e(db_session: AsyncSession) -> None:
    dao = ConversationDAO(db_session)

    conversation = await dao.create_conversation("Chat")

    assert list(await dao.get_messages(conversation.id)) == []


async def test_stream_chat_response_gemini_e2e(db_session: AsyncSession) -> None:
    await stream_and_check(db_session, "gemini")


async def test_chat_provider_error_stores_nothing_e2e(db_session: AsyncSession) -> None:
    dao = ConversationDAO(db_session)
    conversation = await dao.create_conversation("Chat")

    refused = stream_chat_response(db_session, conversation.id, "[[status 500]]", "gemini")
    assert [event async for event in refused] == [
        Failed(provider=ProviderName.GEMINI, reason="answered with status 500")
    ]
    broken_off = stream_chat_response(db_session, conversation.id, "[[cut]]", "deepseek")
    *tokens, failed = [event async for event in broken_off]

    assert tokens
    assert all(isinstance(event, Token) for event in tokens)
    assert failed == Failed(provider=ProviderName.DEEPSEEK, reason="broke off its answer")
    assert list(await dao.get_messages(conversation.id)) == []


async def test_stream_chat_response_deepseek_e2e(db_session: AsyncSession) -> None:
    await stream_and_check(db_session, "deepseek")


async def stream_and_check(db_session: AsyncSession, provider: str) -> None:
    """Ask twice in a new conversation: tokens arrive, and both turns are stored."""
    dao = ConversationDAO(db_session)
    conversation = await dao.create_conversation("Chat")
    questions = ["Which 语言 shall I learn?", "And after that?"]
    expected = []
    for turn, question in enumerate(questions, start=1):
        answer = stream_chat_response(db_session, conversation.id, question, provider)
        *tokens, done = [event async for event in answer]

        assert len(tokens) > 1
        answered = "".join(event.text for event in tokens if isinstance(event, Token))
        assert answered == answer_to(question, turn)
        expected += [("user", question), ("assistant", answered)]
        stored = await dao.get_messages(conversation.id)
        assert [(message.role, message.content) for message in stored] == expected
        assert done == Done(message_id=stored[-1].id)
