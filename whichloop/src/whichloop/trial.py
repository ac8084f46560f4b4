"""The audit of somebody's project in a process of its own, with options on trial."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from whichloop.diagnose.codes import HALF_SET, UNKNOWN
from whichloop.recording import of_text
from whichloop.records import Foreseen, Settings, Site

_ERROR = re.compile(r"ERROR:? (?!usage)\S|E   \S|INTERNALERROR> \w\S*: |.*: error: ")
_NOT_ENDED = (2, 3, 4)  # exit codes of a pytest that did not get as far as the audit


class Trial(NamedTuple):
    """What the audit foresees. ``settings`` are those in force, None if pytest did not get so far;
    ``why`` says why the audit did not end, and is empty if it did."""

    settings: Settings | None
    tests: int = 0
    trouble: tuple[Foreseen, ...] = ()
    notes: tuple[Foreseen, ...] = ()
    why: str = ""


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
    if start < 0 or done.returncode in _NOT_ENDED:
        lines = list(filter(str.strip, f"{done.stderr}\n{done.stdout}".splitlines()))
        errors = sorted(filter(_ERROR.match, lines), key=lambda line: line[:5] != "ERROR")
        said = (errors or lines or ["nothing"])[0].strip()
        why = f"the tests cannot be collected, so nothing is foreseen. pytest says: {said}"
        return Trial(settings, why=why)
    data, _ = json.JSONDecoder().raw_decode(done.stdout, start)
    found = []
    for row in data["findings"]:
        site = Site(row["file"], row["line"]) if row["site"] else None
        fields = {name: row[name] for name in Foreseen._fields}
        found.append(Foreseen(**fields | {"site": site, "tests": tuple(row["tests"])}))
    trouble = tuple(one for one in found if one.sure or one.likely)
    # What is wrong with options `advise` tells itself, with the line that mends it.
    told = (*trouble, *(one for one in found if one.code in (HALF_SET[0], UNKNOWN[0])))
    notes = tuple(one for one in found if one not in told)
    return Trial(settings, data["tests"], trouble, notes)
