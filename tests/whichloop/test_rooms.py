"""whichloop's rooms: which imports which, and how many files a crossing passes through."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, run_pytest

ZOO = Path(__file__).parent.parent / "zoo"
README = ROOT / "whichloop" / "README.md"
TRACE = """

import json
import sys
from pathlib import Path

import whichloop

HOME = str(Path(whichloop.__file__).parent) + "/"
OURS = {path.relative_to(HOME).as_posix() for path in Path(HOME).rglob("*.py")}
# What notes a crossing, what meets the failure, and what adds the section to its report.
ENTRIES = {
    "observe/tracker.py": "_crossed",
    "hooks.py": "pytest_runtest_makereport pytest_runtest_logreport",
}
passed, inside = {}, []

def trace(frame, event, arg):
    if event == "return" and inside and inside[-1] is frame:
        inside.pop()
    file = frame.f_code.co_filename.removeprefix(HOME)
    if event != "call" or file not in OURS:
        return
    if inside:
        passed[file] = None
    elif frame.f_code.co_name in ENTRIES.get(file, "").split():
        inside.append(frame)
        while frame is not None:  # who called it
            if frame.f_code.co_filename.removeprefix(HOME) in OURS:
                passed[frame.f_code.co_filename.removeprefix(HOME)] = None
            frame = frame.f_back

def pytest_runtest_call(item):
    sys.setprofile(trace)

def pytest_sessionfinish():
    sys.setprofile(None)
    Path("passed.json").write_text(json.dumps(list(passed)))
"""


@pytest.mark.parametrize("suite", ["01_motor_scope_mismatch", "04_sqlalchemy_session_fixture"])
def test_a_crossing_passes_through_ten_files(suite, tmp_path, running_servers):
    folder = tmp_path / "suite"
    shutil.copytree(ZOO / suite, folder)
    with (folder / "conftest.py").open("a") as conftest:
        conftest.write(TRACE)

    run = run_pytest(folder, env=running_servers.need("mongo", "postgres"), record=False)

    assert "loop scope mismatch" in run.out, run.out
    passed = json.loads((folder / "passed.json").read_text())
    told = README.read_text("utf-8").partition("How a crossing travels")[2]
    assert len(passed) <= 10, passed
    assert [file for file in passed if f"`{file}`" not in told] == []


# What a room does not know of.
CLOSED = {"observe": ("diagnose", "present"), "diagnose": ("observe", "present")}
CLOSED |= {"present": ("observe", "diagnose"), "records.py": ("observe", "diagnose", "present")}


@pytest.mark.parametrize("room", CLOSED)
def test_no_import_points_to_a_later_room(room):
    home = ROOT / "whichloop" / "src" / "whichloop"
    files = [home / room] if room.endswith(".py") else (home / room).rglob("*.py")
    imports = re.compile(r"^\s*(?:from|import) whichloop\.(\w+)", re.M)

    found = {path.name: imports.findall(path.read_text("utf-8")) for path in files}

    assert found
    assert {name for name, rooms in found.items() if set(rooms) & set(CLOSED[room])} == set()
