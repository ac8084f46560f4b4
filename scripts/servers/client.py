"""Start the servers of a command, and be sure that they end with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import IO

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers.model import CONTAINERS, Message, Servers
from scripts.servers.process import in_background, stop
from scripts.servers.warm_pair import UNREACHABLE, Pair

# Databases of every side are removed file by file; on a busy machine that takes its time.
STOP_LIMIT_S = 60
GONE = "the process that owns the servers has ended"
# How often a person who waits for the servers is told so.
PATIENCE_S = 10


@dataclass(eq=False)
class Guardian:
    """Our end of the line to the process that owns the servers (see `guardian.py`)."""

    servers: Servers
    _send: Callable[[Message], None]
    _receive: Callable[[], Message]
    _one_question: threading.Lock = field(default_factory=threading.Lock)  # sides ask at once

    def end_with_me(self, process_group: int) -> None:
        """Have the guardian kill this process group if we die without doing so ourselves."""
        try:
            self._send({"end_with_me": process_group})
        except OSError:
            raise ServerError(GONE) from None

    def trouble(self) -> str:
        """Which server does not answer, with the end of its log; "" if all do."""
        with self._one_question:
            try:
                self._send({"ask": "trouble"})
                return str(self._receive()["trouble"])
            except (OSError, EOFError, KeyError):
                return GONE


def running(backend: str, pair: Pair | None = None) -> AbstractContextManager[Guardian]:
    """The servers of `backend` (one of BACKENDS but "auto"), or a pair that is up, for the block.
    Raises ServerError, with what to do, if one does not start."""
    return using(pair) if pair else started(backend)


@contextmanager
def using(pair: Pair) -> Iterator[Guardian]:
    """The pair of `make up`; it stays. Raises ServerError if it has just ended."""
    with ExitStack() as stack:
        try:
            line = stack.enter_context(pair.connect())
            line.send({"use": secrets.token_hex(3)})
            servers = Servers.from_json(line.recv()["ready"])
        except UNREACHABLE:
            raise ServerError(f"{pair}, has just ended", hint="the same command again") from None
        try:
            yield Guardian(servers, line.send, line.recv)
        finally:
            with contextlib.suppress(OSError):
                line.send({"over": True})


def keep(backend: str, idle_s: float) -> None:
    """Start servers that stay when this process has ended. Raises ServerError if one does not."""
    with started(backend, idle_s):
        pass


@contextmanager
def started(backend: str, idle_s: float = 0) -> Iterator[Guardian]:
    """Servers of our own for the block; with `idle_s`, see `guardian.py`, they outlive it."""
    if backend in CONTAINERS:  # here and not in the guardian, whose progress nobody sees
        from scripts.servers.fetch import fetch_missing

        fetch_missing(backend)
    request = {
        "backend": backend,
        "token": secrets.token_hex(3),
        "urls": {name: os.environ.get(name, "") for name in ("MONGO_URL", "DATABASE_URL")},
        "idle_s": idle_s,
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        guardian = subprocess.Popen(
            [sys.executable, "-m", "scripts.servers.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            cwd=ROOT,  # the folder it is called from may have a `scripts` of its own
            start_new_session=True,
        )
        assert guardian.stdin is not None
        assert guardian.stdout is not None
        send = partial(tell, guardian.stdin)
        receive = partial(next, map(json.loads, guardian.stdout), {})
        ready = False
        try:
            with contextlib.suppress(BrokenPipeError):  # then it has no answer either
                send(request)
            answer = patiently(receive)
            if "error" in answer:
                raise ServerError(answer["error"], hint=answer["hint"])
            if not answer:
                guardian.wait()
                raise ServerError(f"no servers: {last_words(guardian, log)}")
            ready = True
            yield Guardian(Servers.from_json(answer["ready"]), send, receive)
        finally:
            with contextlib.suppress(BrokenPipeError):
                send({"over": True})
            with contextlib.suppress(BrokenPipeError):
                guardian.stdin.close()
            if not (ready and idle_s):
                stop(guardian, STOP_LIMIT_S)
            guardian.stdout.close()
            if ready and guardian.returncode:
                words = last_words(guardian, log)
                print(f"warning: the servers may not have ended: {words}", file=sys.stderr)


def tell(pipe: IO[str], message: Message) -> None:
    """One line to the guardian. Raises BrokenPipeError if it has ended."""
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def patiently(receive: Callable[[], Message]) -> Message:
    """The answer; who waits for it is told now and then that the servers are still starting."""
    answer = in_background(receive)
    waited_s = 0
    while True:
        try:
            return answer.result(PATIENCE_S)
        except TimeoutError:
            waited_s += PATIENCE_S
            so_far = f"({waited_s} s so far) …"
            print(f"Still waiting for the servers to start {so_far}", file=sys.stderr)


def last_words(guardian: subprocess.Popen[str], log: IO[str]) -> str:
    """How the guardian ended, and the last line that it wrote."""
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    code = f"the process that owns them ended with code {guardian.returncode}"
    return f"{code}: {lines[-1]}" if lines else code
