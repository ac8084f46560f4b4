"""The embedded servers, killed and started again on the data they left: outages for tests."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.servers import process
from scripts.servers.embedded import Child, start_mongo, start_postgres
from scripts.servers.model import Servers
from tests.support.commands import eventually, processes_of

LIMIT_S = 60


class Pair:
    """One Postgres and one server that speaks MongoDB's protocol, at addresses that stay."""

    def __init__(self, folder: Path, upstream: str, stack: ExitStack) -> None:
        mongo = start_mongo(folder)
        stack.callback(mongo.stop)
        postgres = start_postgres(folder)
        stack.callback(postgres.stop)
        self._children: dict[str, Child] = {"postgres": postgres, "mongodb": mongo}
        self.servers = Servers(
            backend="embedded",
            token="restart",
            postgres=postgres.wait(),
            mongodb=mongo.wait(),
            upstream=upstream,
            log_dir=str(folder),
        )

    def kill(self, name: str) -> None:
        """End a server at once, without a word to its clients; return when all of it is gone."""
        child = self._children[name]
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()
        if name == "postgres":  # its processes end when they notice that the first one did
            assert eventually(lambda: not processes_of(child.how["cwd"]), LIMIT_S)

    def start(self, name: str) -> None:
        """Start it again, and wait until it answers. Call this from the main thread."""
        child = self._children[name]
        if "--port" in child.command:  # SecantusDB took a free one
            port = child.url.rpartition(":")[2].strip("/")
            child.command[child.command.index("--port") + 1] = port
        child.process = process.start(child.command, **child.how)
        child.wait()


@contextmanager
def restartable(folder: Path, upstream: str) -> Iterator[Pair]:
    """A pair that runs inside the block; `folder` is reachable for Postgres' own account."""
    with ExitStack() as stack:
        yield Pair(folder, upstream, stack)
