"""The guardian of a pair that `make up` keeps: it serves many commands, beside each other too."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from threading import Thread

from scripts.servers import process, warm_pair
from scripts.servers.databases import drop_databases
from scripts.servers.model import Servers
from scripts.servers.user import User


class Keeper:
    """Lends the servers to commands; `tokens` are those of the commands that use them now."""

    def __init__(self, servers: Servers, idle_s: float) -> None:
        self.servers = servers
        self.idle_s = idle_s
        self.tokens: set[str] = set()
        self.used = time.monotonic()

    def keep(self, announce: Callable[[], None]) -> None:
        """Lend them until they shall end; `announce` is called when the file can be read."""
        folder = Path(self.servers.log_dir)
        address = str(folder / "guardian") if hasattr(socket, "AF_UNIX") else None
        key = secrets.token_hex(16)
        with Listener(address, authkey=key.encode()) as listener:
            Thread(target=self._accept, args=(listener,), daemon=True).start()
            pair = warm_pair.write(self.servers, str(listener.address), key, self.idle_s)
            announce()
            while not process.end.wanted and self._is_named(pair) and not self._is_idle():
                time.sleep(warm_pair.POLL_S)
            if self._is_named(pair):
                warm_pair.forget()

    def _is_named(self, pair: warm_pair.Pair) -> bool:
        """Does the file still name this pair? It goes with the checkout."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return warm_pair.read().key == pair.key
        return False

    def _is_idle(self) -> bool:
        return not self.tokens and time.monotonic() - self.used > self.idle_s

    def _accept(self, listener: Listener) -> None:
        while not process.end.wanted:
            with contextlib.suppress(
                *warm_pair.UNREACHABLE
            ):  # somebody without the key, or gone again
                Thread(target=self._serve, args=(listener.accept(),), daemon=True).start()

    def _serve(self, line: Connection) -> None:
        user = User(partial(warm_pair.send, line), self.servers)
        with contextlib.suppress(*warm_pair.UNREACHABLE), line:
            first = warm_pair.receive(line)
            if "use" in first:
                self._lend(line, user, first["use"])
            elif first["ask"] == "end":
                process.end.wanted = True
                user.reply({"trouble": ""})
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
            user.attend(warm_pair.messages(line))
        finally:
            user.kill()
            drop_databases(replace(self.servers, token=token))
            shutil.rmtree(scratch, ignore_errors=True)
            self.used = time.monotonic()
            self.tokens.discard(token)
