"""The pair that `make up` keeps without Docker: embedded servers with a guardian of their own.

It stays until `make down`, until no command has used it for a time, or until the checkout is gone.

`.up/pair.json`, for this account only, says where the guardian listens. A command holds a
connection to it while it uses the pair; when that closes, however the command ended, the guardian
kills what the command started on the pair and drops its databases.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers.folder import locked
from scripts.servers.model import Servers

FILE = Path(os.environ.get("WRONGLOOP_UP") or ROOT / ".up") / "pair.json"
IDLE_LIMIT = ("WRONGLOOP_UP_IDLE_S", 7200.0)
END_LIMIT_S = 10
# What is raised where the guardian is gone, and where the file does not name a pair.
UNREACHABLE = (OSError, EOFError, AuthenticationError)
UNREADABLE = (OSError, ValueError, TypeError, KeyError)


@dataclass(frozen=True)
class Pair:
    """What the file says: whose pair it is, how its guardian is reached, and its servers.

    `since` is in seconds since 1970, `idle_s` how long the pair stays without a command.
    """

    checkout: str
    pins: str
    address: str
    key: str
    since: float
    idle_s: float
    servers: Servers

    def connect(self) -> Connection:
        """A connection to the guardian. Raises one of UNREACHABLE if it is gone."""
        return Client(self.address, authkey=self.key.encode())

    def end(self) -> None:
        """Have the guardian end the pair, and wait until its process has ended."""
        with contextlib.suppress(*UNREACHABLE), self.connect() as line:
            line.send({"ask": "end"})
            line.poll(END_LIMIT_S)  # no answer comes: the line closes with the process
        forget()

    def __str__(self) -> str:
        since = time.strftime("%H:%M", time.localtime(self.since))
        return f"the pair of `make up`, since {since}"


def find() -> tuple[Pair | None, str]:
    """The pair that is up and answers; else None, and why the one in the file is of no use.

    A file that leads to no pair is removed. So is that of a pair from other requirements, which
    then ends: its guardian keeps no pair that no file names.
    """
    try:
        pair = read()
    except FileNotFoundError:
        return None, ""
    except UNREADABLE:
        why = f"{FILE} was damaged"
    else:
        why = reason_against(pair)
        if not why:
            return pair, ""
    forget()
    return None, why


def read() -> Pair:
    """What the file says. Raises one of UNREADABLE."""
    data: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return Pair(**data | {"servers": Servers.from_json(data["servers"])})


def write(servers: Servers, address: str, key: str, idle_s: float) -> None:
    """Write the file for these servers, whole and for this account only."""
    pair = Pair(str(ROOT), pins(), address, key, time.time(), idle_s, servers)
    temporary = FILE.with_suffix(f".{secrets.token_hex(4)}")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(vars(pair) | {"servers": servers.to_json()}), "utf-8")
    temporary.replace(FILE)


def forget() -> None:
    with contextlib.suppress(OSError):
        FILE.unlink()


def reason_against(pair: Pair) -> str:
    """Why this checkout cannot use the pair; "" if it can."""
    if pair.checkout != str(ROOT):
        return f"the pair in {FILE} is another checkout's, {pair.checkout}"
    if pair.pins != pins():
        return "the pair of `make up` had other requirements and was ended"
    try:
        with pair.connect() as line:
            line.send({"ask": "trouble"})
            trouble = line.recv()["trouble"]
    except UNREACHABLE:
        return "the pair of `make up` was killed"
    return f"the pair of `make up` was ended: {trouble}" if trouble else ""


def pins() -> str:
    """What the servers were installed from."""
    return hashlib.sha256((ROOT / "requirements" / "run.txt").read_bytes()).hexdigest()


@contextmanager
def starting() -> Iterator[None]:
    """While this process starts or ends a pair no other does. Raises ServerError if `.up/` cannot
    be made."""
    try:
        FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(f"cannot write {FILE}: {error.strerror}") from None
    with locked(FILE.parent, wait=True):
        yield
