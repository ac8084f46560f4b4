"""A results folder in which broken/ was run already."""

import shutil
from pathlib import Path

import pytest

from tests.support.commands import Done


@pytest.fixture
def after_broken(places: dict[str, str], reproduced: Done, results: Path) -> dict[str, str]:
    """The places of a command that finds a run of broken/, which it would otherwise make first."""
    reproduced.must_exit(0)
    shutil.copytree(results, places["WRONGLOOP_RESULTS"])
    return places
