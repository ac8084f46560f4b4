"""pytest plugins beside ours that reorder, time, trace or redraw: no outcome changes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.paths import ROOT
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.verdict.grade import judge
from tests.faults.seen import Seen
from tests.support.checkouts import Checkout


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of requirements/faults.txt."""
    folder = tmp_path_factory.mktemp("plugins")
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--no-deps", "--target", str(folder)]
    command += ["-r", str(ROOT / "requirements" / "faults.txt")]
    subprocess.run(command, check=True, timeout=120)
    return folder


@pytest.mark.fault("pytest-randomly, -cov, -timeout and -sugar are installed")
def test_plugins_that_are_none_of_ours(
    temporary: Path, checkout: Checkout, plugins: Path, seen: Seen
) -> None:
    (site,) = checkout.folder.glob(".venv/lib/python*/site-packages")
    (site / "plugins.pth").write_text(f"{plugins}\n", "utf-8")

    done = checkout.scripts("reproduce", TMPDIR=str(temporary))

    assert done.code == 0, done.output
    data = json.loads((checkout.folder / "results" / "broken" / "run.json").read_text("utf-8"))
    documented = manifest.load()
    assert judge(Run.model_validate(data), documented.get("broken"), documented).as_documented
    seen(
        done,
        "Switched off for these runs, as none of ours: pytest plugin"
        " pytest_cov, randomly, sugar, timeout",
    )
