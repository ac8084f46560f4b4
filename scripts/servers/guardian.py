"""The process that owns the servers, so that they end with the command however it ends.

It runs in a session of its own and holds one end of a pipe whose other end only the command
holds. When the command ends, by itself or by `kill -9`, the pipe closes and the guardian stops the
servers and removes their files. A Ctrl-C at the terminal does not reach it.

Speaks JSON lines. In: one request {"backend", "token", "urls", "idle_s"}, then any number of
{"end_with_me": process group id} and {"ask": "trouble"}, and at a proper end {"over": true}. Out:
{"ready": Servers} or {"error": text, "hint": text}, and {"trouble": text} for each question.

Where `idle_s` is not 0 it is `make up` that asks: the servers outlive it, and the guardian then
serves many commands, beside each other too (see `warm_pair.py`), until none has come for so long.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from scripts.errors import CommandError
from scripts.servers import chat_provider, process, warm_pair
from scripts.servers.ask import drop_databases, trouble
from scripts.servers.choose import no_mongodb
from scripts.servers.folder import temporary_folder
from scripts.servers.model import Message, Servers

# The module that starts the servers of each backend.
MODULES = {
    "embedded": "embedded",
    "testcontainers": "containers",
    "compose": "compose_pair",
    "external": "external",
}

STDIN = 0
POLL_S = 0.05


@dataclass
class User:
    """A command: how it is answered, its servers once they run, what ends with it."""

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


@dataclass
class Keeper:
    """Lends the servers of `make up` to commands; `tokens` are of those that use them now."""

    servers: Servers
    idle_s: float
    tokens: set[str] = field(default_factory=set)
    used: float = field(default_factory=time.monotonic)

    def keep(self, announce: Callable[[], None]) -> None:
        """Lend them until they shall end; `announce` is called when the file can be read."""
        folder = Path(self.servers.log_dir)
        address = str(folder / "guardian") if hasattr(socket, "AF_UNIX") else None
        key = secrets.token_hex(16)
        with Listener(address, authkey=key.encode()) as listener:
            Thread(target=self._accept, args=(listener,), daemon=True).start()
            warm_pair.write(self.servers, str(listener.address), key, self.idle_s)
            announce()
            while not process.end.wanted and is_named(key):
                time.sleep(POLL_S)
                if not self.tokens and time.monotonic() - self.used > self.idle_s:
                    process.end.wanted = True
            if is_named(key):
                warm_pair.forget()

    def _accept(self, listener: Listener) -> None:
        while not process.end.wanted:
            # Without the key, or gone again: not our business.
            with contextlib.suppress(*warm_pair.UNREACHABLE):
                Thread(target=self._serve, args=(listener.accept(),), daemon=True).start()

    def _serve(self, line: Connection) -> None:
        user = User(line.send, self.servers)
        with contextlib.suppress(*warm_pair.UNREACHABLE), line:
            first = line.recv()
            if "use" in first:
                self._lend(line, user, first["use"])
            elif first["ask"] == "end":
                # A copy of the line, which only the end of this process closes: see `Pair.end`.
                with contextlib.suppress(OSError):  # Windows copies no line, so nobody waits there
                    os.dup(line.fileno())
                process.end.wanted = True
            else:
                user.attend([first])

    def _lend(self, line: Connection, user: User, token: str) -> None:
        """Lend the servers to a command until it has ended, and remove what it leaves."""
        scratch = Path(self.servers.log_dir, token)
        self.tokens.add(token)
        try:
            scratch.mkdir(mode=0o700)
            lent = replace(self.servers, token=token, log_dir=str(scratch))
            user.reply({"ready": lent.to_json()})
            user.attend(iter(line.recv, None))  # until it raises EOFError
        finally:
            user.kill()
            drop_databases(token, self.servers.postgres, self.servers.mongodb)
            shutil.rmtree(scratch, ignore_errors=True)
            self.used = time.monotonic()
            self.tokens.discard(token)


def is_named(key: str) -> bool:
    """Does the file still name the pair with this key? It goes with the checkout."""
    with contextlib.suppress(*warm_pair.UNREADABLE):
        return warm_pair.read().key == key
    return False


def main() -> int:
    """Serve one command until its end of the pipe closes, or, after `make up`, those to come."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), want_end)
    messages = map(json.loads, lines(STDIN))
    request = next(messages, None)
    if request is None:  # the command ended before it asked for anything
        return 0
    user = User(say)
    outlived = Event()
    # A thread, so that the command's end is noticed while a server is still starting.
    Thread(target=listen, args=(messages, user, outlived), daemon=True).start()
    with ExitStack() as stack:
        try:
            servers = start(request, stack)
        except CommandError as error:
            say({"error": str(error), "hint": error.hint})
            return 2
        except Exception as error:  # a mistake of ours: the command must hear of it all the same
            traceback.print_exc()
            say({"error": f"{type(error).__name__}: {error}", "hint": ""})
            return 2
        user.servers = servers
        stack.callback(user.kill)  # what uses the servers ends before they do
        ready = {"ready": servers.to_json()}
        if request["idle_s"]:
            outlived.set()
            Keeper(servers, request["idle_s"]).keep(lambda: say(ready))
        else:
            say(ready)
            while not process.end.wanted:
                time.sleep(POLL_S)
    return 0


def start(request: Message, stack: ExitStack) -> Servers:
    """The servers of the backend asked for; what stops them is on `stack`."""
    folder = stack.enter_context(temporary_folder())
    # Only what this backend needs: testcontainers and docker's client take half a second.
    module = import_module(f"scripts.servers.{MODULES[request['backend']]}")
    postgres, mongodb = module.start(request, folder, stack)
    return Servers(
        backend=request["backend"],
        token=request["token"],
        postgres=postgres,
        mongodb=mongodb,
        upstream=chat_provider.serve_beside(),
        log_dir=str(folder),
        missing={} if mongodb else {"mongodb": str(no_mongodb())},
    )


def listen(messages: Iterator[Message], user: User, outlived: Event) -> None:
    """Do what the command says until it has ended; this process then ends too, if not outlived."""
    user.attend(messages)
    if not outlived.is_set():
        process.end.wanted = True


def lines(pipe: int) -> Iterator[str]:
    """What comes through the pipe, line by line, until its other end is closed.

    Not `for line in sys.stdin`: a thread inside that makes the interpreter's own end fail.
    """
    rest = b""
    while block := os.read(pipe, 65536):
        *whole, rest = (rest + block).split(b"\n")
        yield from (line.decode("utf-8") for line in whole)


def want_end(number: int, frame: FrameType | None) -> None:
    """End in order, at the next moment of waiting: what is on the stack is undone."""
    process.end.wanted = True


def say(message: Message) -> None:
    """Tell the command; if it is gone there is nobody to tell."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
