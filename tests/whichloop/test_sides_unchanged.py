"""Every side of this repository does the same without whichloop: what explains must not touch.

The manifests say of every test of every side how it ends and with which error, and the
project's own tests hold the sides to it with whichloop switched on. Here the same command runs
them with whichloop off: it ends with 0 only if each is as documented.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, dict]:
    """{side: run.json} of `all-fixes` without whichloop."""
    results = tmp_path_factory.mktemp("sides")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COLUMNS"))}
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "all-fixes"],
        cwd=ROOT,
        env={
            **kept,
            "BACKEND": "embedded",
            "WRONGLOOP_RESULTS": str(results),
            "WRONGLOOP_WHICHLOOP": "off",
        },
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All as documented." in done.stdout
    return {path.parent.name: json.loads(path.read_text()) for path in results.glob("*/run.json")}


def test_every_side_is_as_documented_without_whichloop(runs):
    sides = [ROOT / "broken", *ROOT.glob("fixed/*"), *ROOT.glob("traps/*")]

    assert len(runs) == sum((side / "pytest.ini").exists() for side in sides)


def test_whichloop_was_off(runs):
    assert {side for side, run in runs.items() if run["loops"] or run["connections"]} == set()


def test_the_broken_side_fails_at_the_same_lines(runs):
    """Where the error was raised, too: no line of whichloop's comes in between."""
    places = {test["error"]["at"] for test in runs["broken"]["tests"] if test["error"]}

    assert len(places) >= 3
    assert all(place.startswith(("suite/", "shared_app/")) for place in places)
