"""A session of the commands without servers: its runs are those that a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.commands.session import Session
from scripts.run import results
from scripts.run.environment import versions
from scripts.run.model import Run
from scripts.servers.model import Server, Servers
from scripts.sides.manifest import Manifest, Side
from tests.support.runs import write_run

SERVERS = Servers(
    "embedded", "t", Server("", "SecantusDB", "0.7"), Server("", "PostgreSQL", "18.4"), ""
)


class RecordedSession:
    """Opens sessions in which a run is one as documented, but for `more`; `ran` are their sides."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.ran: list[str] = []
        self.more: dict[str, dict[str, Any]] = {}

    @contextmanager
    def open(self, sides: object = ()) -> Iterator[Session]:
        yield Session(SERVERS, self.run_side)

    def run_side(self, side: Side, on_line: object = None) -> Run:
        """In place of pytest: writes the run."""
        self.ran.append(side.id)
        more = {"versions": versions()} | self.more.get(side.id, {})
        return results.read(write_run(self.folder, self.manifest, side.id, **more))
