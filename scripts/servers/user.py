"""A command that uses servers, as their guardian sees it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from scripts.servers.health import trouble
from scripts.servers.model import Servers

Message = dict[str, Any]


@dataclass
class User:
    """A command: its servers once they run, how it is answered, what ends with it."""

    reply: Callable[[Message], None]
    servers: Servers | None = None
    groups: list[int] = field(default_factory=list)

    def attend(self, messages: Iterable[Message]) -> None:
        """Do what it asks until it has ended."""
        for message in messages:
            if "end_with_me" in message:
                self.groups.append(message["end_with_me"])
            elif "ask" in message:
                self.reply({"trouble": trouble(self.servers) if self.servers else ""})
            else:  # "over": it has ended them itself, and their ids may be somebody else's by now
                self.groups.clear()

    def kill(self) -> None:
        """End the process groups that the command can no longer end itself."""
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
