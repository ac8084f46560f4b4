"""Documented outcomes from runs: what still holds stays, what is new must be explained."""

import io
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts.errors import ManifestError
from scripts.maintain import outcomes
from scripts.paths import ROOT
from scripts.sides import manifest
from scripts.views import terminal
from tests.support.runs import documented, entry, run_of

HOT = "test_jobs.py::test_job_api[hot_default]"
HOT_IS_NEW = entry(HOT, "failed", kind="loop_closed", driver="motor")
MOTOR_FAILS = {"kind": "different_loop", "driver": "motor"}


MANIFEST = manifest.load()


def file_after(name: str, *changes: dict[str, Any]) -> str:
    """The side's manifest after a run as documented but for these tests."""
    side = MANIFEST.get(name)
    tests = {test["nodeid"]: test for test in documented(MANIFEST, side)}
    tests |= {test["nodeid"]: test for test in changes}
    text = (ROOT / side.file).read_text("utf-8")
    return outcomes.rewritten(text, side, run_of(*tests.values(), side=name), MANIFEST)


def copied(folder: Path) -> Path:
    for side in MANIFEST.side:
        path = folder / side.file
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / side.file, path)
    return folder


@pytest.mark.parametrize("name", ["broken", "fix-03", "fix-05", "fix-18", "trap-02", "trap-04"])
def test_a_run_as_documented_changes_nothing_that_is_said(name):
    before = tomllib.loads((ROOT / MANIFEST.get(name).file).read_text("utf-8"))

    assert {"outcome": [], **tomllib.loads(file_after(name))} == {"outcome": [], **before}


@pytest.mark.parametrize("name", ["broken", "fix-03", "fix-10"])
def test_what_happens_otherwise_is_written_down_and_must_be_explained(tmp_path, name):
    text = file_after(name, HOT_IS_NEW)

    path = copied(tmp_path) / MANIFEST.get(name).file
    path.write_text(text, "utf-8")
    with pytest.raises(ManifestError, match="not explained yet"):
        manifest.load(tmp_path)
    path.write_text(text.replace("UNEXPLAINED", "A reason"), "utf-8")
    side = manifest.load(tmp_path).get(name)
    assert side.outcome[-1].tests == (HOT,)
    assert side.documented[HOT].kind == "loop_closed"
    others = set(MANIFEST.nodeids) - {HOT}
    assert all(side.documented[n].why == MANIFEST.get(name).documented[n].why for n in others)


def test_what_happens_as_on_broken_is_not_written_again(tmp_path):
    motor = MANIFEST.sets["direct-motor"]

    text = file_after("fix-09", *(entry(n, "failed", **MOTOR_FAILS) for n in motor))

    assert tomllib.loads(text)["same_as"] == {"broken": ["http", "control", "direct-motor"]}
    assert [entry["tests"] for entry in tomllib.loads(text)["outcome"]] == [["postgres"]]


def test_what_is_as_on_another_side_is_listed_with_its_sentence(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=out, width=300))

    assert outcomes.inherited("trap-05") == 0

    heading, *lines = out.getvalue().splitlines()
    assert heading == f"trap-05: {MANIFEST.get('trap-05').title}"
    assert lines == [
        f"  as {other}: {tests}: passed. {MANIFEST.get('trap-05').documented[nodeid].why}"
        for other, tests, nodeid in (
            ("broken", "http", MANIFEST.sets["http"][0]),
            ("broken", "control", MANIFEST.sets["control"][0]),
            ("fix-09", "writes", MANIFEST.sets["writes"][0]),
        )
    ]
