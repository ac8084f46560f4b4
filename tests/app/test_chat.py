"""The chat over real HTTP, on both sides of the app: a client here, a provider there."""

import uuid
from typing import Any

import httpx
import pytest

from scripts.servers.chat_provider import answer_to
from tests.support.app import events_of

PROVIDERS = ("gemini", "deepseek")


@pytest.fixture
def conversation(app: httpx.Client) -> str:
    """The path of a new conversation."""
    return f"/conversations/{app.post('/conversations', json={'title': 'Chat'}).json()['id']}"


def ask(app: httpx.Client, conversation: str, provider: str, content: str) -> httpx.Response:
    return app.post(f"{conversation}/chat", json={"provider": provider, "content": content})


def messages(app: httpx.Client, conversation: str) -> list[dict[str, Any]]:
    return app.get(conversation).json()["messages"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_is_streamed_in_pieces_and_both_messages_are_stored(app, conversation, provider):
    asked = ["Which 语言 🦊?", "line one\nline two\r\n\r\nevent: done\ndata: {}"]
    expected = []
    for turn, question in enumerate(asked, start=1):
        response = ask(app, conversation, provider, question)

        assert response.headers["content-type"].startswith("text/event-stream")
        *tokens, done = events_of(response)
        assert len(tokens) > 3
        assert {name for name, _ in tokens} == {"token"}
        assert "".join(data["text"] for _, data in tokens) == answer_to(question, turn)
        expected += [("user", question), ("assistant", answer_to(question, turn))]
        stored = messages(app, conversation)
        assert [(message["role"], message["content"]) for message in stored] == expected
        assert done == ("done", {"message_id": stored[-1]["id"]})


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "begins", "reason"),
    [
        ("[[status 401]]", False, "answered with status 401"),
        ("[[status 429]]", False, "answered with status 429"),
        ("[[status 500]]", False, "answered with status 500"),
        ("[[cut]]", True, "broke off its answer"),
        ("[[short]]", True, "broke off its answer"),
        ("[[slow]]", True, "timed out"),
        ("[[garbage]]", True, "sent something that is not an answer"),
    ],
)
def test_a_provider_that_fails_is_one_clean_event_and_stores_nothing(
    app, conversation, provider, fault, begins, reason
):
    assert ask(app, conversation, provider, "before").status_code == 200
    before = messages(app, conversation)

    response = ask(app, conversation, provider, f"now {fault}")

    assert response.status_code == 200
    *tokens, failed = events_of(response)
    assert failed == ("error", {"provider": provider, "reason": reason})
    assert {name for name, _ in tokens} == ({"token"} if begins else set())
    assert "SECRET" not in response.text
    assert messages(app, conversation) == before
    assert len(before) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_conversation_goes_on_after_a_failure(app, conversation, provider):
    ask(app, conversation, provider, "[[cut]]")

    ask(app, conversation, provider, "again")

    stored = [message["content"] for message in messages(app, conversation)]
    assert stored == ["again", answer_to("again")]


def test_an_unknown_conversation_is_404_before_any_stream(app):
    response = ask(app, f"/conversations/{uuid.uuid4()}", "gemini", "anyone?")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("provider", "content"),
    [("gpt", "hello"), ("gemini", ""), ("deepseek", "a\0b"), ("gemini", 20_001 * "x")],
)
def test_a_question_that_cannot_be_asked_is_422_and_stores_nothing(
    app, conversation, provider, content
):
    assert ask(app, conversation, provider, content).status_code == 422
    assert messages(app, conversation) == []
