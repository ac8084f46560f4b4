"""What a reader copies must run: the blocks of a README, pasted into broken/, cure what it says.

tests/harness/test_readme.py holds the blocks of all sides to their files, without a run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.paths import ROOT
from scripts.run.model import Record
from scripts.sides import manifest
from scripts.verdict.grade import documented_verdicts, outcome_of
from tests.support.blocks import blocks, paste
from tests.support.checkouts import Checkout
from tests.support.commands import environment, recorded_pytest, run

MANIFEST = manifest.load()


@dataclass(frozen=True)
class Copied:
    """The blocks of a README (all, or those for the file `only`), and the side whose outcomes they
    bring, with the project's own pytest-asyncio or with one of requirements/versions."""

    readme: str
    side: str
    only: str = "*"
    beside: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.side, self.only.strip("*"), self.beside)))


COPIED = [
    *(
        Copied(f"{side.folder}/README.md", side.id)
        for side in MANIFEST.of("fix")
        if documented_verdicts(side, MANIFEST)["overall"] != "RESOLVED_NO"
    ),
    Copied("README.md", "fix-09", only="pytest.ini"),
    Copied("README.md", "fix-09", only="pytest.ini", beside="pytest-asyncio-0.26"),
    Copied("README.md", "fix-11", only="conftest.py", beside="pytest-asyncio-0.24"),
]


@pytest.fixture
def pasted(copied: Checkout, case: Copied) -> Iterator[Path]:
    """broken/, copied, with the blocks pasted; report B's `event_loop` override is left out, which
    moves the tests to its loop up to pytest-asyncio 0.26."""
    folder = copied.folder / "pasted"
    shutil.copytree(copied.folder / "broken", folder)
    if case.beside:
        copied.change("pasted/conftest.py", "def event_loop(", "def unused(")
    try:
        for file, block in blocks((ROOT / case.readme).read_text("utf-8"), case.only):
            for path in folder.glob(file):
                path.write_text(paste(path.read_text("utf-8"), file, block), "utf-8")
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("case", COPIED, ids=str)
def test_a_copied_block_cures_what_its_readme_says(
    copied: Checkout,
    pasted: Path,
    case: Copied,
    beside: Callable[[str], str],
    given_servers: dict[str, str],
    tmp_path: Path,
) -> None:
    record = tmp_path / "record.json"
    command = recorded_pytest(beside(case.beside), "--tb=no", pasted.name)
    environ = environment(WRONGLOOP_RECORD=str(record), **given_servers)

    done = run(command, cwd=copied.folder, env=environ)

    assert record.is_file(), done.output
    side = MANIFEST.get(case.side)
    tests = Record.model_validate_json(record.read_bytes()).tests
    ends = {nodeid: outcome_of(test) for nodeid, test in tests.items()}
    assert ends == {nodeid: documented.outcome for nodeid, documented in side.documented.items()}
