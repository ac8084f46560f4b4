"""End a side that will not end by itself: a test that hangs, or a server that is gone or frozen."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scripts.servers.client import Guardian
from scripts.servers.process import seconds

LIMIT_VARIABLE = "WRONGLOOP_LIMIT_S"
LIMIT_S = 180
POLL_S = 1.0
# What `pytest -v` has written of a test that has begun and not ended.
BEGUN = re.compile(r"^(\S+::.*?)\s*$")


class Watchdog:
    """Watches one run beside it; `stopped` says why the run was ended, "" while it was not."""

    def __init__(self, guardian: Guardian, limit_s: float) -> None:
        self.stopped = ""
        self.server_gone = False
        self._guardian = guardian
        self._limit_s = limit_s

    @contextmanager
    def watching(self, kill: Callable[[], None]) -> Iterator[None]:
        """Watch while the block lasts, and `kill` what it waits for if that must end."""
        over = threading.Event()
        threading.Thread(target=self._watch, args=(kill, over), daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, kill: Callable[[], None], over: threading.Event) -> None:
        started = time.monotonic()
        while not over.wait(POLL_S):
            if time.monotonic() - started > self._limit_s:
                self.stopped = f"it had not ended after {self._limit_s:g} s ({LIMIT_VARIABLE})"
            else:
                self.look()
            if self.stopped and not over.is_set():
                kill()
                return

    def look(self) -> None:
        """Ask the servers, here and now."""
        trouble = self._guardian.trouble()
        if trouble:
            self.stopped, self.server_gone = trouble, True


def limit_s() -> float:
    """The seconds a side may take."""
    return seconds(LIMIT_VARIABLE, LIMIT_S)


def hanging(output: str) -> str:
    """The test that was running when pytest's verbose output ended; "" if none was."""
    begun = BEGUN.match(output.rpartition("\n")[2])
    return begun[1] if begun else ""
