"""How many files a crossing passes through. (Which room imports which: tests/harness.)"""

import json
import shutil

import pytest
from conftest import ROOT, ZOO, run_pytest

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
    "observe/tracker.py": "crossed",
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
def test_a_crossing_passes_through_ten_files(suite, tmp_path, urls_of):
    folder = tmp_path / "suite"
    shutil.copytree(ZOO / suite, folder)
    with (folder / "conftest.py").open("a") as conftest:
        conftest.write(TRACE)

    run = run_pytest(folder, env=urls_of("mongo", "postgres"))

    assert "loop scope mismatch" in run.out, run.out
    passed = json.loads((folder / "passed.json").read_text())
    told = README.read_text("utf-8").partition("How a crossing travels")[2]
    assert len(passed) <= 10, passed
    assert [file for file in passed if f"`{file}`" not in told] == []
