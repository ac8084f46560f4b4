"""What is asked in a chat, and the events of its answer."""

import uuid
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from shared_app.fields import Storable


class ProviderName(StrEnum):
    GEMINI = "gemini"
    DEEPSEEK = "deepseek"


class ChatRequest(BaseModel):
    provider: ProviderName
    content: Annotated[str, Field(min_length=1, max_length=20_000), Storable]


class Token(BaseModel):
    event: ClassVar[str] = "token"
    text: str


class Done(BaseModel):
    """The answer is complete, and stored under this id."""

    event: ClassVar[str] = "done"
    message_id: uuid.UUID


class Failed(BaseModel):
    """There is no complete answer, or no database that could keep it."""

    event: ClassVar[str] = "error"
    provider: ProviderName
    reason: str


ChatEvent = Token | Done | Failed
