"""A results folder in which broken/ was run already."""

import shutil
from pathlib import Path

import pytest

from tests.support.commands import scripts


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `reproduce` wrote, which is run once."""
    folder = tmp_path_factory.mktemp("results")
    scripts("reproduce", WRONGLOOP_RESULTS=str(folder)).must_exit(0)
    return folder


@pytest.fixture
def after_broken(places: dict[str, str], results: Path) -> dict[str, str]:
    """The places of a command that finds a run of broken/, which it would otherwise make first."""
    shutil.copytree(results, places["WRONGLOOP_RESULTS"])
    return places
