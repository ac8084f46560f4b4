"""What a reader copies must run: the blocks of a README, pasted into broken/, cure what it says.

Where broken/ then says what the side's own files say, there is no need of a run: `make test` runs
that side. tests/harness/test_readme.py holds the blocks of all sides to their files.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.paths import ROOT
from scripts.sides import manifest
from scripts.verdict.grade import documented_verdicts, outcome_of
from tests.support.blocks import blocks, paste, statements
from tests.support.checkouts import Checkout
from tests.support.commands import run

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


def stated(folder: Path) -> dict[str, set[str]]:
    """What each file of a side says, but for imports and docstrings."""
    files = [path for path in folder.iterdir() if path.suffix in (".py", ".ini")]
    return {path.name: statements(path.read_text("utf-8"), path.name) for path in files}


@pytest.mark.parametrize("case", COPIED, ids=str)
def test_a_copied_block_cures_what_its_readme_says(pasted, case, recorded):
    side = MANIFEST.get(case.side)
    if not case.beside and stated(pasted) == stated(ROOT / side.folder):
        undefined = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821"]
        run([*undefined, str(pasted)]).must_exit(0)
        return

    record, _ = recorded(case.beside, "--tb=no", pasted.name)

    ends = {nodeid: outcome_of(test) for nodeid, test in record.tests.items()}
    assert ends == {nodeid: documented.outcome for nodeid, documented in side.documented.items()}
