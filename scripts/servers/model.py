"""What the rest of the project knows of a server: where it is and what it is."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

# What a command, its guardian and their servers say to each other.
Message = dict[str, Any]
# The environment variable by which a command hands its servers to the pytest processes it starts.
SERVERS_VARIABLE = "WRONGLOOP_SERVERS"

BACKENDS = ("auto", "testcontainers", "compose", "embedded", "external")
# Those of them that need a Docker engine.
CONTAINERS = ("testcontainers", "compose")


@dataclass(frozen=True)
class Server:
    """A database server that answered.

    `url` reaches the server with no database named (MongoDB) or its maintenance database
    (Postgres). `product` and `version` are what it said of itself, so a stand-in is never
    reported as MongoDB. `container` is its container's id, where it has one.
    """

    url: str
    product: str
    version: str
    container: str = ""

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


@dataclass(frozen=True)
class Servers:
    """The servers of one command.

    `token` is part of the name of every database made on them, so that what a command made can
    be found and dropped. `missing` maps "mongodb" or "postgres" to the reason why it is not there.
    """

    backend: str
    token: str
    mongodb: Server | None
    postgres: Server | None
    upstream: str
    log_dir: str = ""
    missing: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of JSON; `from_json` reads it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Servers:
        """The servers that `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        for name in ("mongodb", "postgres"):
            data[name] = Server(**data[name]) if data[name] else None
        return cls(**data)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def without_password(text: str) -> str:
    """`text` with every password in it replaced by `***`: of URLs, and of `password=` options.

    What is hidden reaches to the last @ of the line: an unescaped password may hold anything.
    """
    text = re.sub(r"(://[^:/@\s]*):.*@", r"\1:***@", text)
    return re.sub(r"(password=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)
