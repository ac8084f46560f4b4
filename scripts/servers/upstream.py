"""The local stand-in for the chat providers, in a process of its own, over real HTTP."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from scripts.errors import ServerError
from scripts.servers import process
from scripts.servers.process import last_lines


class Upstream:
    """`python -m scripts.servers.chat_provider`, running."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.log = folder / "upstream.log"
        command = [sys.executable, "-m", "scripts.servers.chat_provider"]
        self.process = process.start(command, log=self.log)
        stack.callback(process.stop, self.process, first=signal.SIGTERM, patience=0.2)

    def wait(self) -> str:
        """Its base URL, once it listens."""
        url = process.wait_for_answer(self._listening, self.process, 30.0)
        if url is None:
            raise ServerError(f"the local chat upstream did not start: {last_lines(self.log)}")
        return url

    def _listening(self) -> str | None:
        match = re.search(r"listening on (127\.0\.0\.1:\d+)", self.log.read_text("utf-8"))
        return f"http://{match.group(1)}" if match else None
