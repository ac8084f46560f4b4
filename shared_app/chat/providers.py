"""The language models, each over its own wire format."""

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import Any, NamedTuple

import httpx
from httpx_sse import SSEError, aconnect_sse
from pydantic import BaseModel, SecretStr, ValidationError

from shared_app.chat.models import ProviderName
from shared_app.configs.settings import Settings, get_settings
from shared_app.conversations.models import Role

Turn = tuple[Role, str]
"""Who says it, and what: one message of a conversation."""


class ProviderError(Exception):
    """Why there is no complete answer: in our words, since it goes to the client."""


class Call(NamedTuple):
    """The request that asks a provider for an answer; `headers` holds the key."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


def _reveal(key: SecretStr) -> str:
    if not key:
        raise ProviderError("has no API key configured")
    return key.get_secret_value()


class _GeminiPart(BaseModel):
    text: str = ""
    thought: bool = False


class _GeminiContent(BaseModel):
    parts: list[_GeminiPart] = []


class _GeminiCandidate(BaseModel):
    content: _GeminiContent = _GeminiContent()
    finishReason: str | None = None


class _GeminiChunk(BaseModel):
    candidates: list[_GeminiCandidate] = []


class Gemini:
    """Google's `streamGenerateContent`, whose last chunk gives a finish reason."""

    @staticmethod
    def call(settings: Settings, turns: Sequence[Turn]) -> Call:
        base, model = settings.gemini_base_url.rstrip("/"), settings.gemini_model
        roles = {"user": "user", "assistant": "model"}
        contents = [{"role": roles[role], "parts": [{"text": text}]} for role, text in turns]
        return Call(
            url=f"{base}/v1beta/models/{model}:streamGenerateContent?alt=sse",
            headers={"x-goog-api-key": _reveal(settings.gemini_api_key)},
            body={"contents": contents},
        )

    @staticmethod
    def read(data: str) -> tuple[str, bool]:
        """The text in an event of the answer, and whether it is the last event."""
        chunk = _GeminiChunk.model_validate_json(data)
        if not chunk.candidates:  # a chunk of statistics
            return "", False
        candidate = chunk.candidates[0]
        text = "".join(part.text for part in candidate.content.parts if not part.thought)
        return text, candidate.finishReason is not None


class _DeepSeekDelta(BaseModel):
    content: str | None = None


class _DeepSeekChoice(BaseModel):
    delta: _DeepSeekDelta


class _DeepSeekChunk(BaseModel):
    choices: list[_DeepSeekChoice]


class DeepSeek:
    """DeepSeek's `chat/completions`, in OpenAI's format: `[DONE]` ends the stream."""

    @staticmethod
    def call(settings: Settings, turns: Sequence[Turn]) -> Call:
        messages = [{"role": role, "content": content} for role, content in turns]
        return Call(
            url=f"{settings.deepseek_base_url.rstrip('/')}/chat/completions",
            headers={"Authorization": f"Bearer {_reveal(settings.deepseek_api_key)}"},
            body={"model": settings.deepseek_model, "messages": messages, "stream": True},
        )

    @staticmethod
    def read(data: str) -> tuple[str, bool]:
        if data == "[DONE]":
            return "", True
        chunk = _DeepSeekChunk.model_validate_json(data)
        return "".join(choice.delta.content or "" for choice in chunk.choices), False


PROVIDERS: dict[ProviderName, type[Gemini | DeepSeek]] = {
    ProviderName.GEMINI: Gemini,
    ProviderName.DEEPSEEK: DeepSeek,
}


@lru_cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates, read once: no event loop owns them, and reading takes its time."""
    return httpx.create_ssl_context()


async def stream_answer(name: ProviderName, turns: Sequence[Turn]) -> AsyncGenerator[str, None]:
    """Yield the answer piece by piece, as far as the end that the provider itself marks.

    Raises ProviderError if the answer does not begin, breaks off, or cannot be understood.
    """
    settings = get_settings()
    provider = PROVIDERS[name]
    call = provider.call(settings, turns)
    try:
        async with (
            httpx.AsyncClient(timeout=settings.provider_timeout_s, verify=_tls()) as client,
            aconnect_sse(client, "POST", call.url, headers=call.headers, json=call.body) as source,
        ):
            if source.response.status_code != httpx.codes.OK:
                raise ProviderError(f"answered with status {source.response.status_code}")
            async with aclosing(source.aiter_sse()) as events:
                async for event in events:
                    text, is_last = provider.read(event.data)
                    if text := text.replace("\0", ""):  # which Postgres cannot store
                        yield text
                    if is_last:
                        return
    except httpx.TimeoutException:
        raise ProviderError("timed out") from None
    except (ValidationError, SSEError, httpx.DecodingError):
        raise ProviderError("sent something that is not an answer") from None
    except (httpx.ReadError, httpx.RemoteProtocolError):
        raise ProviderError("broke off its answer") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ProviderError("could not be reached") from None
    raise ProviderError("broke off its answer")
