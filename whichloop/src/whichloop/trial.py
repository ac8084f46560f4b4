"""The audit of somebody's project in a process of its own, with options on trial."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from whichloop.recording import of_text
from whichloop.records import Foreseen, Settings, Site


class Trial(NamedTuple):
    """What the audit foresees. ``settings`` are those in force, None if pytest did not get so far;
    ``why`` says why the audit did not end, and is empty if it did."""

    settings: Settings | None
    tests: int = 0
    findings: tuple[Foreseen, ...] = ()
    why: str = ""

    @property
    def trouble(self) -> list[Foreseen]:
        return [finding for finding in self.findings if finding.sure or finding.likely]

    @property
    def notes(self) -> list[Foreseen]:
        return [finding for finding in self.findings if not finding.sure and not finding.likely]


def audit_of(folder: Path, options: Mapping[str, str]) -> Trial:
    """Audit the project in ``folder`` as if its configuration had these options. No test runs, and
    nothing is left behind in the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch, "record.json")
        command = [sys.executable, "-m", "pytest", "--whichloop-audit=json"]
        command += [f"--whichloop-record={record}", "-W", "ignore::pytest.PytestConfigWarning"]
        for name, value in {"cache_dir": scratch, **options}.items():
            command += ["-o", f"{name}={value}"]
        clean = {"PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_FILE": f"{scratch}/coverage"}
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        settings = of_text(record.read_bytes())[0].settings if record.exists() else None
    start = done.stdout.find('{\n "schema_version"')
    if start < 0:
        return Trial(settings, why=_why(done.stderr.splitlines(), done.stdout.splitlines()))
    data, _ = json.JSONDecoder().raw_decode(done.stdout, start)
    return Trial(settings, data["tests"], tuple(map(_foreseen, data["findings"])))


def _foreseen(row: dict[str, Any]) -> Foreseen:
    site = Site(row["file"], row["line"]) if row["site"] else None
    fields = {name: row[name] for name in Foreseen._fields if name in row}
    return Foreseen(**fields | {"site": site, "tests": tuple(row["tests"])})


def _why(errors: list[str], output: list[str]) -> str:
    """What pytest said of why it could not collect the tests, in one line."""
    told = re.compile(r"ERROR:? (?!usage)\S|E   \S|INTERNALERROR> \w\S*: |.*: error: ")
    lines = sorted(filter(told.match, errors + output), key=lambda line: line[:5] != "ERROR")
    said = (lines or list(filter(str.strip, errors + output)) or ["nothing"])[0].strip()
    return f"the tests cannot be collected, so nothing is foreseen. pytest says: {said}"
