"""The embedded servers, killed and started again on the data they left: outages for tests."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.servers import process
from scripts.servers.embedded import Mongo, Postgres, environment
from scripts.servers.model import Servers
from tests.support.commands import eventually, processes_of

LIMIT_S = 60


class Pair:
    """One Postgres and one server that speaks MongoDB's protocol, at addresses that stay."""

    def __init__(self, folder: Path, upstream: str, stack: ExitStack) -> None:
        self._mongo = Mongo(folder)
        stack.callback(self._mongo.stop)
        self._postgres = Postgres(folder)
        stack.callback(self._postgres.stop)
        self.servers = Servers(
            backend="embedded",
            token="restart",
            postgres=self._postgres.wait(),
            mongodb=self._mongo.wait(),
            upstream=upstream,
            log_dir=str(folder),
        )

    def kill(self, name: str) -> None:
        """End a server at once, without a word to its clients; return when all of it is gone."""
        child = self._child(name)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if name == "postgres":  # its processes end when they notice that the first one did
            home = self._postgres.home
            assert eventually(lambda: not processes_of(home), LIMIT_S), processes_of(home)

    def start(self, name: str) -> None:
        """Start it again, and wait until it answers. Call this from the main thread."""
        command = [os.fsdecode(part) for part in list(self._child(name).args)]
        if name == "postgres":
            server = self._postgres
            server.process = process.start(
                command,
                log=server.log,
                user=server.user,
                env=environment() | {"LC_ALL": "C"},
                cwd=server.home,
            )
            server.wait()
        else:
            port = str(self._mongo.port)
            command[command.index("--port") + 1] = port
            self._mongo.process = process.start(
                command, log=self._mongo.log, env=environment(), cwd=self._mongo.log.parent
            )
            self._mongo.wait()

    def _child(self, name: str) -> subprocess.Popen[bytes]:
        return self._postgres.process if name == "postgres" else self._mongo.process


@contextmanager
def restartable(folder: Path, upstream: str) -> Iterator[Pair]:
    """A pair that runs inside the block; `folder` is reachable for Postgres' own account."""
    with ExitStack() as stack:
        yield Pair(folder, upstream, stack)
