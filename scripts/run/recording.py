"""What whichloop recorded of a run: as much of its `--whichloop-record` as is used here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.run.model import Connection, Fixture, Model


class Actor(Model):
    """Who did something: a test, a fixture, an import; "fixture _session_scoped_runner"."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class RecordedLoop(Model):
    """An event loop, from birth to death."""

    id: str
    scope: str | None
    thread: str | None
    opened_by: Actor | None
    closed_by: Actor | None


class RecordedTest(Model):
    """A test on a loop; `outcome` is None where it was only set up or torn down there."""

    name: str
    loop: str
    outcome: str | None


class Crossing(Model):
    """The use of an object on a loop that is not its own, `during` the test of that node id."""

    during: str


class Recording(Model):
    """The recording; `document` is the whole of it, for whichloop's own picture."""

    loops: tuple[RecordedLoop, ...] = ()
    fixtures: tuple[Fixture, ...] = ()
    tests: tuple[RecordedTest, ...] = ()
    connections: tuple[Connection, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    document: Mapping[str, Any] = {}

    @classmethod
    def read(cls, path: Path) -> Recording:
        """The recording in a file; an empty one if there is none, or it is damaged."""
        try:
            document = json.loads(path.read_text("utf-8"))
            return cls.model_validate({**document, "document": document})
        except (OSError, ValueError, TypeError):
            return cls()
