"""The language models: both are asked, and answer, in OpenAI's format."""

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import lru_cache

import httpx
from httpx_sse import SSEError, aconnect_sse
from pydantic import BaseModel, SecretStr, ValidationError

from shared_app.chat.models import ProviderName
from shared_app.configs.settings import Settings, get_settings
from shared_app.conversations.models import Role

Turn = tuple[Role, str]
"""Who says it, and what: one message of a conversation."""


@lru_cache
def _trusted() -> ssl.SSLContext:
    """The trusted certificates, read once: no event loop owns them, and reading takes its time."""
    return httpx.create_ssl_context()


class ProviderError(Exception):
    """Why there is no complete answer: in our words, since it goes to the client."""


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta


class _Chunk(BaseModel):
    choices: list[_Choice]


def _configured(name: ProviderName, settings: Settings) -> tuple[str, SecretStr, str]:
    """The provider's address, our key for it, and the model to ask."""
    if name is ProviderName.GEMINI:
        return settings.gemini_base_url, settings.gemini_api_key, settings.gemini_model
    return settings.deepseek_base_url, settings.deepseek_api_key, settings.deepseek_model


async def stream_answer(name: ProviderName, turns: Sequence[Turn]) -> AsyncGenerator[str, None]:
    """Yield the answer piece by piece, as far as the `[DONE]` with which it ends.

    Raises ProviderError if the answer does not begin, breaks off, or cannot be understood.
    """
    settings = get_settings()
    base_url, key, model = _configured(name, settings)
    if not key:
        raise ProviderError("has no API key configured")
    url = f"{base_url.rstrip('/')}/chat/completions"
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
    body = {
        "model": model,
        "messages": [{"role": role, "content": content} for role, content in turns],
        "stream": True,
    }
    try:
        async with (
            httpx.AsyncClient(timeout=settings.provider_timeout_s, verify=_trusted()) as client,
            aconnect_sse(client, "POST", url, headers=headers, json=body) as source,
        ):
            if source.response.status_code != httpx.codes.OK:
                raise ProviderError(f"answered with status {source.response.status_code}")
            async with aclosing(source.aiter_sse()) as events:
                async for event in events:
                    if event.data == "[DONE]":
                        return
                    for choice in _Chunk.model_validate_json(event.data).choices:
                        # Postgres cannot store a NUL.
                        if text := (choice.delta.content or "").replace("\0", ""):
                            yield text
    except httpx.TimeoutException:
        raise ProviderError("timed out") from None
    except (ValidationError, SSEError, httpx.DecodingError):
        raise ProviderError("sent something that is not an answer") from None
    except (httpx.ReadError, httpx.RemoteProtocolError):
        raise ProviderError("broke off its answer") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ProviderError("could not be reached") from None
    raise ProviderError("broke off its answer")
