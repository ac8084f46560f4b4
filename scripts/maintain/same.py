"""`python -m scripts same DIR…`: do several results folders say the same of every test?

For CI, which runs every side on each backend: what fails, and how, must not hang on the servers.
"""

from __future__ import annotations

from pathlib import Path

from scripts.errors import CommandError
from scripts.run import results
from scripts.run.model import Run, Test
from scripts.views import terminal


def same(folders: list[Path]) -> int:
    """Compare `<folder>/*/run.json`: 0 if every test did the same in all of them, else 1."""
    if len(folders) < 2:
        raise CommandError(
            "same compares two results folders or more",
            hint="python -m scripts same results/embedded results/testcontainers",
        )
    by_folder = {folder: outcomes(folder) for folder in folders}
    tests = sorted({test for happened in by_folder.values() for test in happened})
    differences = 0
    for test in tests:
        happened = {folder: by_folder[folder].get(test, "not run") for folder in folders}
        if len(set(happened.values())) > 1:
            differences += 1
            terminal.line(test, "red")
            for folder, outcome in happened.items():
                terminal.line(f"  {folder}: {outcome}")
    for folder in folders:
        terminal.line(f"{folder}: {len(by_folder[folder])} outcomes on {servers(folder)}")
    if differences:
        terminal.line(f"{differences} of {len(tests)} tests differ")
        return 1
    terminal.line("Equal: each test has the same outcome and kind in all of them.")
    return 0


def runs_in(folder: Path) -> list[Run]:
    """The runs of a results folder."""
    return [results.read(path) for path in sorted(folder.glob("*/run.json"))]


def outcomes(folder: Path) -> dict[str, str]:
    """{"broken::test_jobs.py::test_job": what happened}, for every test of every side."""
    return {
        f"{run.side}::{test.nodeid}": happened(test)
        for run in runs_in(folder)
        for test in run.tests.values()
    }


def happened(test: Test) -> str:
    """ "error in teardown different_loop motor RuntimeError"."""
    where = "" if test.phase == "call" else f" in {test.phase}"
    error = f" {test.kind} {test.driver} {test.error.type}" if test.error else ""
    return f"{test.outcome}{where}{error}"


def servers(folder: Path) -> str:
    """The backends and servers of the runs in a folder. Raises CommandError if none was run."""
    backends = {
        f"{run.backend} ({', '.join(str(server) for server in run.servers.values() if server)})"
        for run in runs_in(folder)
    }
    if not backends:
        raise CommandError(
            f"no side was run into {folder}",
            hint=f"WRONGLOOP_RESULTS={folder} python -m scripts all-fixes",
        )
    return " and ".join(sorted(backends))
