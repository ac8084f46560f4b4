"""The app as a client meets it: uvicorn in a process of its own, everything on that one loop."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.paths import ROOT
from scripts.servers.databases import Databases, prepare
from scripts.servers.model import Servers
from tests.support.commands import environment, eventually

PROVIDER_TIMEOUT_S = "0.5"
CREATE_APP = "shared_app.main:create_app"
NUMBERS = itertools.count(1)  # one for each app of this process, whose databases it names


@contextmanager
def served(
    servers: Servers, folder: Path, *, create: str = CREATE_APP, **changes: str
) -> Iterator[tuple[httpx.Client, Databases]]:
    """A client of the app on databases of its own, and those databases.

    `create` names another factory than the app's; `changes` are to the app's environment.
    """
    with ExitStack() as stack:
        before = dict(os.environ)
        stack.callback(restore, before)
        databases = prepare(servers, f"tests-{next(NUMBERS)}-{os.getpid()}", stack)
        own = ("MONGO_", "DATABASE_", "GEMINI_", "DEEPSEEK_")
        urls = {name: value for name, value in os.environ.items() if name.startswith(own)}
        log = folder / "uvicorn.log"
        command = [sys.executable, "-m", "uvicorn", "--factory", create]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--port", "0"],
                env=environment(**urls | {"PROVIDER_TIMEOUT_S": PROVIDER_TIMEOUT_S} | changes),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield stack.enter_context(httpx.Client(base_url=address(log), timeout=10)), databases


def address(log: Path) -> str:
    """Where uvicorn says that it runs, once it does."""
    pattern = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
    eventually(lambda: pattern.search(log.read_text("utf-8")), 20)
    match = pattern.search(log.read_text("utf-8"))
    assert match is not None, log.read_text("utf-8")
    return match[1]


def restore(environ: dict[str, str]) -> None:
    """Put the environment back: `prepare` sets the app's URLs in it."""
    os.environ.clear()
    os.environ.update(environ)


def ending_of(chat: httpx.Response) -> str:
    """The name of a chat's last event; "unavailable" for a clean 503. Nothing else may come."""
    if chat.status_code == 503:
        assert_unavailable(chat)
        return "unavailable"
    assert chat.status_code == 200, chat.text
    name, _ = events_of(chat)[-1]
    return name


def assert_unavailable(response: httpx.Response) -> None:
    """The response is a clean 503."""
    assert response.status_code == 503, response.text
    assert response.json() == {"detail": "a database is unavailable"}
    assert response.headers["retry-after"].isdecimal()


def events_of(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """The server-sent events of a whole response: name and data."""
    events = []
    for block in response.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], json.loads(fields["data"])))
    return events
