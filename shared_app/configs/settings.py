"""What the app reads from its environment."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def with_async_driver(url: str) -> str:
    """Name asyncpg in a Postgres URL that names no driver, as the URLs of most hosts do."""
    return re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url)


def fit_for_a_header(key: SecretStr) -> SecretStr:
    """Drop the line end that a key read from a file has; refuse what no HTTP header can hold."""
    text = key.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("an API key holds printable ASCII characters only")
    return SecretStr(text)


ApiKey = Annotated[SecretStr, AfterValidator(fit_for_a_header)]


class Settings(BaseSettings):
    """One field for each environment variable; the names are the fields' names in capitals."""

    # URLs and keys are secrets: an error must name the variable and not repeat its value.
    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    mongo_url: str = "mongodb://127.0.0.1:27017/wrongloop"
    database_url: Annotated[str, AfterValidator(with_async_driver)] = (
        "postgresql+asyncpg://postgres@127.0.0.1:5432/wrongloop"
    )

    mongo_timeout_s: float = Field(default=5.0, gt=0)
    """The longest that a request waits for a MongoDB server to come back, in seconds."""

    gemini_base_url: str = "https://generativelanguage.googleapis.com/v1beta/openai"
    gemini_api_key: ApiKey = SecretStr("")
    gemini_model: str = "gemini-2.5-flash"

    deepseek_base_url: str = "https://api.deepseek.com"
    deepseek_api_key: ApiKey = SecretStr("")
    deepseek_model: str = "deepseek-chat"

    provider_timeout_s: float = Field(default=30.0, gt=0)
    """The longest silence a provider is allowed, in seconds."""


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
