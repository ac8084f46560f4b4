"""The language models, each over its own wire format."""

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import httpx
from httpx_sse import SSEError, aconnect_sse
from pydantic import BaseModel, SecretStr, ValidationError

from shared_app.chat.models import ProviderName
from shared_app.configs.settings import Settings, get_settings
from shared_app.conversations.models import Role


class ProviderError(Exception):
    """The provider gave no complete answer.

    `reason` goes to the client, so it is in our words: the provider's may hold anything.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Turn:
    """One message of a conversation, as a provider is told of it."""

    role: Role
    content: str


@dataclass(frozen=True)
class Call:
    """The request that asks a provider for an answer; `headers` holds the key."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """What one event of a provider's stream says."""

    text: str = ""
    is_last: bool = False


class Provider(Protocol):
    """A wire format: how to ask, and how to read the events of the answer."""

    def call(self, turns: Sequence[Turn]) -> Call:
        """The request for an answer to the last of these turns."""

    def read(self, data: str) -> Piece:
        """The meaning of one event; a pydantic ValidationError if it has none."""


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

    _ROLES = {"user": "user", "assistant": "model"}  # noqa: RUF012 - never changed

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def call(self, turns: Sequence[Turn]) -> Call:
        base, model = self._settings.gemini_base_url.rstrip("/"), self._settings.gemini_model
        return Call(
            url=f"{base}/v1beta/models/{model}:streamGenerateContent?alt=sse",
            headers={"x-goog-api-key": _reveal(self._settings.gemini_api_key)},
            body={
                "contents": [
                    {"role": self._ROLES[turn.role], "parts": [{"text": turn.content}]}
                    for turn in turns
                ]
            },
        )

    def read(self, data: str) -> Piece:
        chunk = _GeminiChunk.model_validate_json(data)
        if not chunk.candidates:  # a chunk of statistics
            return Piece()
        candidate = chunk.candidates[0]
        text = "".join(part.text for part in candidate.content.parts if not part.thought)
        return Piece(text, is_last=candidate.finishReason is not None)


class _DeepSeekDelta(BaseModel):
    content: str | None = None


class _DeepSeekChoice(BaseModel):
    delta: _DeepSeekDelta


class _DeepSeekChunk(BaseModel):
    choices: list[_DeepSeekChoice]


class DeepSeek:
    """DeepSeek's `chat/completions`, in OpenAI's format: `[DONE]` ends the stream."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def call(self, turns: Sequence[Turn]) -> Call:
        return Call(
            url=f"{self._settings.deepseek_base_url.rstrip('/')}/chat/completions",
            headers={"Authorization": f"Bearer {_reveal(self._settings.deepseek_api_key)}"},
            body={
                "model": self._settings.deepseek_model,
                "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
                "stream": True,
            },
        )

    def read(self, data: str) -> Piece:
        if data == "[DONE]":
            return Piece(is_last=True)
        chunk = _DeepSeekChunk.model_validate_json(data)
        return Piece("".join(choice.delta.content or "" for choice in chunk.choices))


PROVIDERS: dict[ProviderName, type[Gemini] | type[DeepSeek]] = {
    ProviderName.GEMINI: Gemini,
    ProviderName.DEEPSEEK: DeepSeek,
}


@lru_cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates, read once: reading them for each chat would hold up all others.

    It is the client that belongs to an event loop, and is made for each call; not this.
    """
    return httpx.create_ssl_context()


async def stream_answer(name: ProviderName, turns: Sequence[Turn]) -> AsyncGenerator[str, None]:
    """Yield the answer piece by piece, as far as the end that the provider itself marks.

    Raises ProviderError if the answer does not begin, breaks off, or cannot be understood.
    """
    settings = get_settings()
    provider: Provider = PROVIDERS[name](settings)
    call = provider.call(turns)
    try:
        async with (
            httpx.AsyncClient(timeout=settings.provider_timeout_s, verify=_tls()) as client,
            aconnect_sse(client, "POST", call.url, headers=call.headers, json=call.body) as source,
        ):
            if source.response.status_code != httpx.codes.OK:
                raise ProviderError(f"answered with status {source.response.status_code}")
            async with aclosing(source.aiter_sse()) as events:
                async for event in events:
                    piece = provider.read(event.data)
                    if text := piece.text.replace("\0", ""):  # which Postgres cannot store
                        yield text
                    if piece.is_last:
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
