"""The files under `results/`: what happened (`run.json`) and what pytest said (`output.txt`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.errors import CommandError
from scripts.paths import RESULTS

SCHEMA_VERSION = 1
# What every run.json of this version holds, even that of a pytest that was killed.
ALWAYS_THERE = {"side": str, "backend": str, "servers": dict, "versions": dict, "exit_code": int}
# Where the recorder of a side is to write, set by the command that started its pytest.
RECORD_VARIABLE = "WRONGLOOP_RECORD"


@dataclass(frozen=True)
class Test:
    """What happened to one test; the fields of `tests[]` in run.json.

    `outcome` is passed, failed, error or skipped; `phase` is where it was decided; `kind`, `driver`
    and `message` are those of its error, None or "" if it has none.
    """

    nodeid: str
    group: str
    outcome: str
    phase: str = "call"
    kind: str | None = None
    driver: str | None = None
    type: str = ""
    message: str = ""
    at: str | None = None
    loop: str | None = None
    reruns: int = 0
    duration_s: float = 0.0

    __test__ = False  # the name is the field's; pytest must not collect it

    @classmethod
    def of(cls, data: dict[str, Any]) -> Test:
        """From an entry of run.json."""
        flat = {name: value for name, value in data.items() if name != "error"}
        return cls(**flat, **(data["error"] or {}))


@dataclass(frozen=True)
class Run:
    """A `run.json`: what one run of a side did."""

    data: dict[str, Any]
    tests: dict[str, Test] = field(default_factory=dict)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Run:
        """From the content of a run.json."""
        return cls(data, {entry["nodeid"]: Test.of(entry) for entry in data["tests"]})

    @property
    def side(self) -> str:
        """The side's id: broken, fix-03, trap-01."""
        return str(self.data["side"])

    @property
    def exit_code(self) -> int:
        """The exit code of pytest."""
        return int(self.data["exit_code"])

    @property
    def circumstances(self) -> dict[str, Any]:
        """What two runs must share for their results to be compared: versions and servers."""
        return {name: self.data[name] for name in ("backend", "servers", "versions")}


def folder(side: str) -> Path:
    """`results/<side>`, made if need be. Raises CommandError if it cannot be written."""
    path = RESULTS / side
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandError(
            f"cannot write results in {path}: {error.strerror}",
            hint="WRONGLOOP_RESULTS=/another/folder before the command",
        ) from None
    return path


def write(path: Path, text: str) -> None:
    """Write a file whole: to a temporary file beside it, then by rename."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CommandError(f"cannot write {path}: {error.strerror}") from None


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write `data` as a results file, with its schema version first."""
    whole = {"schema_version": SCHEMA_VERSION, **data}
    write(path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def read_recording(side: str) -> dict[str, Any]:
    """What whichloop recorded of the last run of a side; empty if there is none."""
    try:
        data = json.loads((RESULTS / side / "recording.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_run(side: str) -> Run | None:
    """The last run of a side; None if there is none that this version can read.

    Whatever else a file of that name may hold is no result, and no reason to end a command.
    """
    try:
        data = json.loads((RESULTS / side / "run.json").read_text("utf-8"))
        known = data["schema_version"] == SCHEMA_VERSION
        whole = all(isinstance(data[name], kind) for name, kind in ALWAYS_THERE.items())
        return Run.of(data) if known and whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
