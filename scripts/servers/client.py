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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers.model import CONTAINERS, Servers

# Databases of every side are removed file by file; on a busy machine that takes its time.
STOP_LIMIT_S = 60
# How often a person who waits for the servers is told so.
PATIENCE_S = 10


class Guardian:
    """Our end of the pipe to the process that owns the servers (see `guardian.py`)."""

    def __init__(self, servers: Servers, pipe: IO[str]) -> None:
        self.servers = servers
        self._pipe = pipe

    def end_with_me(self, process_group: int) -> None:
        """Have the guardian kill this process group if we die without doing so ourselves."""
        try:
            tell(self._pipe, {"end_with_me": process_group})
        except BrokenPipeError:
            raise ServerError("the process that owns the servers has ended") from None


@contextmanager
def running(backend: str, environ: Mapping[str, str] = os.environ) -> Iterator[Guardian]:
    """The servers of `backend` (one of BACKENDS but "auto"), running inside the block.

    Raises ServerError, with what to do, if one does not start.
    """
    if backend in CONTAINERS:  # here and not in the guardian, whose progress nobody sees
        from scripts.servers.fetch import fetch_missing

        fetch_missing(backend)
    request = {
        "backend": backend,
        "token": secrets.token_hex(3),
        "urls": {name: environ.get(name, "") for name in ("MONGO_URL", "DATABASE_URL")},
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
            yield Guardian(servers, guardian.stdin)
        finally:
            end(guardian)
            if ready and guardian.returncode != 0:
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


def tell(pipe: IO[str], message: dict[str, Any]) -> None:
    """One line to the guardian. Raises BrokenPipeError if it has ended."""
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def end(guardian: subprocess.Popen[str]) -> None:
    """Let the guardian stop the servers, and wait until it has."""
    assert guardian.stdin is not None
    assert guardian.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        tell(guardian.stdin, {"over": True})
    with contextlib.suppress(BrokenPipeError):
        guardian.stdin.close()
    try:
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
