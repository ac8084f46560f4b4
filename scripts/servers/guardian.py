"""The process that owns the servers, so that they end with the command however it ends.

It runs in a session of its own and holds one end of a pipe whose other end only the command
holds. When the command ends, by itself or by `kill -9`, the pipe closes and the guardian stops the
servers and removes their files. A Ctrl-C at the terminal does not reach it.

Speaks JSON lines. In: one request {"backend", "token", "urls"}, then any number of
{"end_with_me": process group id} and {"ask": "trouble"}, and at a proper end {"over": true}. Out:
{"ready": Servers} or {"error": text, "hint": text}, and {"trouble": text} for each question.

A request that has {"idle_s"} is that of `make up`: see `warm_guardian.py`. The servers outlive it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from threading import Event
from types import FrameType

from scripts.errors import CommandError
from scripts.servers import process
from scripts.servers.folder import temporary_folder
from scripts.servers.model import Servers
from scripts.servers.user import Message, User

# What starts the servers of each backend: "module:function".
STARTS = {
    "embedded": "embedded_pair:start_embedded",
    "testcontainers": "containers:start_containers",
    "compose": "compose_pair:start_compose",
    "external": "external:use_external",
}

STDIN = 0
POLL_S = 0.05


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
    kept = Event()
    # A thread, so that the command's end is noticed while a server is still starting.
    threading.Thread(target=listen, args=(messages, user, kept), daemon=True).start()
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
        ready = partial(say, {"ready": servers.to_json()})
        if "idle_s" in request:
            from scripts.servers.warm_guardian import (
                Keeper,  # SQLAlchemy, which no other guardian needs
            )

            kept.set()
            Keeper(servers, request["idle_s"]).keep(ready)
            return 0
        ready()
        while not process.end.wanted:
            time.sleep(POLL_S)
    return 0


def start(request: Message, stack: ExitStack) -> Servers:
    """The servers of the backend asked for; what stops them is on `stack`."""
    folder = stack.enter_context(temporary_folder())
    backend = request["backend"]
    module, _, function = STARTS[backend].partition(":")
    # Only what this backend needs: testcontainers and docker's client take half a second.
    begin = getattr(import_module(f"scripts.servers.{module}"), function)
    urls = {"urls": request["urls"]} if backend == "external" else {}
    servers: Servers = begin(request["token"], folder, stack, **urls)
    return servers


def listen(messages: Iterator[Message], user: User, kept: Event) -> None:
    """Do what the command says until it has ended; then this process shall end too, if it is not to
    be kept."""
    user.attend(messages)
    if not kept.is_set():
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
