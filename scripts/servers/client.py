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
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Any

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import warm_pair
from scripts.servers.model import CONTAINERS, Servers
from scripts.servers.warm_pair import Pair

# Databases of every side are removed file by file; on a busy machine that takes its time.
STOP_LIMIT_S = 60
GONE = "the process that owns the servers has ended"
# How often a person who waits for the servers is told so.
PATIENCE_S = 10


Message = dict[str, Any]


class Guardian:
    """Our end of the line to the process that owns the servers (see `guardian.py`)."""

    def __init__(
        self, servers: Servers, send: Callable[[Message], None], receive: Callable[[], Message]
    ) -> None:
        self.servers = servers
        self._send = send
        self._receive = receive
        self._one_question = threading.Lock()  # sides beside each other ask

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


@contextmanager
def running(
    backend: str, environ: Mapping[str, str] = os.environ, pair: Pair | None = None
) -> Iterator[Guardian]:
    """The servers of `backend` (one of BACKENDS but "auto"), or a pair that is up, for the block.

    Raises ServerError, with what to do, if one does not start.
    """
    with using(pair) if pair else started(backend, environ) as guardian:
        yield guardian


@contextmanager
def using(pair: Pair) -> Iterator[Guardian]:
    """The pair of `make up`; it stays. Raises ServerError if it has just ended."""
    with ExitStack() as stack:
        try:
            line = stack.enter_context(pair.connection())
            warm_pair.send(line, {"use": secrets.token_hex(3)})
            servers = Servers.from_json(warm_pair.receive(line)["ready"])
        except warm_pair.UNREACHABLE:
            raise ServerError(f"{pair}, has just ended", hint="the same command again") from None
        try:
            yield Guardian(servers, partial(warm_pair.send, line), partial(warm_pair.receive, line))
        finally:
            with contextlib.suppress(OSError):
                warm_pair.send(line, {"over": True})


def keep(backend: str, idle_s: float) -> None:
    """Start servers that stay when this process has ended. Raises ServerError if one does not."""
    with started(backend, os.environ, {"idle_s": idle_s}):
        pass


@contextmanager
def started(
    backend: str, environ: Mapping[str, str], more: Message | None = None
) -> Iterator[Guardian]:
    """Servers of our own for the block; with `more`, see `guardian.py`, they may outlive it."""
    if backend in CONTAINERS:  # here and not in the guardian, whose progress nobody sees
        from scripts.servers.fetch import fetch_missing

        fetch_missing(backend)
    request = {
        "backend": backend,
        "token": secrets.token_hex(3),
        "urls": {name: environ.get(name, "") for name in ("MONGO_URL", "DATABASE_URL")},
        **(more or {}),
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        guardian = subprocess.Popen(
            [sys.executable, "-m", "scripts.servers.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
            cwd=ROOT,  # the folder it is called from may have a `scripts` of its own
            start_new_session=True,
        )
        ready = False
        try:
            servers = ask(guardian, request, said)
            ready = True
            assert guardian.stdin is not None
            assert guardian.stdout is not None
            replies = map(json.loads, guardian.stdout)
            yield Guardian(servers, partial(tell, guardian.stdin), partial(next, replies, {}))
        finally:
            end(guardian, stays=ready and more is not None)
            if ready and guardian.returncode:
                words = last_words(guardian, said)
                print(f"warning: the servers may not have ended: {words}", file=sys.stderr)


def ask(guardian: subprocess.Popen[str], request: dict[str, Any], said: IO[str]) -> Servers:
    """Ask for servers, and wait for them. Raises ServerError with the guardian's reason."""
    assert guardian.stdin is not None
    assert guardian.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # then it has no answer either
        tell(guardian.stdin, request)
    with telling_that_we_wait():
        line = guardian.stdout.readline()
    if not line:
        guardian.wait()
        raise ServerError(f"no servers: {last_words(guardian, said)}")
    answer = json.loads(line)
    if "error" in answer:
        raise ServerError(answer["error"], hint=answer["hint"])
    return Servers.from_json(answer["ready"])


@contextmanager
def telling_that_we_wait() -> Iterator[None]:
    """Say now and then on stderr that the servers are still starting, while the block lasts."""
    over = threading.Event()

    def wait() -> None:
        waited = PATIENCE_S
        while not over.wait(PATIENCE_S):
            print(f"Still waiting for the servers to start ({waited} s so far) …", file=sys.stderr)
            waited += PATIENCE_S

    threading.Thread(target=wait, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def tell(pipe: IO[str], message: Message) -> None:
    """One line to the guardian. Raises BrokenPipeError if it has ended."""
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def end(guardian: subprocess.Popen[str], *, stays: bool) -> None:
    """Let the guardian stop the servers, and wait until it has, unless it stays."""
    assert guardian.stdin is not None
    assert guardian.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        tell(guardian.stdin, {"over": True})
    with contextlib.suppress(BrokenPipeError):
        guardian.stdin.close()
    try:
        if not stays:
            guardian.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        guardian.kill()
        guardian.wait()
    guardian.stdout.close()


def last_words(guardian: subprocess.Popen[str], said: IO[str]) -> str:
    """How the guardian ended, and the last line that it wrote."""
    said.seek(0)
    lines = [line.strip() for line in said if line.strip()]
    code = f"the process that owns them ended with code {guardian.returncode}"
    return f"{code}: {lines[-1]}" if lines else code
