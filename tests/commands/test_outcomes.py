"""Documented outcomes from runs: what still holds stays, what is new must be explained."""

import tomllib
from pathlib import Path

import pytest

from scripts.errors import ManifestError
from scripts.maintain.outcomes import rewritten
from scripts.paths import MANIFEST
from scripts.sides import manifest
from scripts.sides.manifest import Manifest
from tests.support.runs import documented, entry, run_of

TEXT = MANIFEST.read_text("utf-8")


@pytest.fixture(scope="module")
def whole() -> Manifest:
    return manifest.load()


@pytest.mark.parametrize("side", ["broken", "fix-03", "fix-18", "trap-02"])
def test_a_run_as_documented_changes_nothing_that_is_said(whole: Manifest, side: str) -> None:
    run = run_of(*documented(whole, whole.get(side)), side=side)

    assert tomllib.loads(rewritten(TEXT, {side: run})) == tomllib.loads(TEXT)


def test_what_happens_otherwise_is_written_down_and_must_be_explained(
    whole: Manifest, tmp_path: Path
) -> None:
    nodeid = "test_jobs.py::test_job_api[hot_default]"
    tests = {test["nodeid"]: test for test in documented(whole, whole.get("fix-03"))}
    tests[nodeid] = entry(nodeid, "failed", kind="loop_closed", driver="motor")

    text = rewritten(TEXT, {"fix-03": run_of(*tests.values(), side="fix-03")})

    (side,) = (each for each in tomllib.loads(text)["side"] if each["id"] == "fix-03")
    assert side["outcome"][-1] == {
        "tests": [nodeid],
        "outcome": "failed",
        "kind": "loop_closed",
        "driver": "motor",
        "why": "UNEXPLAINED: say in one sentence why this happens.",
    }
    assert nodeid not in side["outcome"][0]["tests"]
    path = tmp_path / "remedies.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ManifestError, match="not explained yet"):
        manifest.load(path)
    others = [each for each in tomllib.loads(TEXT)["side"] if each["id"] != "fix-03"]
    assert [each for each in tomllib.loads(text)["side"] if each["id"] != "fix-03"] == others
