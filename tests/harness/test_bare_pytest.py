"""The sides without our commands: plain pytest, from the root and from inside a folder."""

import re

import pytest

from scripts.paths import ROOT
from tests.support import commands


def test_pytest_starts_servers_of_its_own_and_shows_both_errors(temporary):
    folder = temporary / "a b 検証"  # not what a URL or a server's option likes best
    folder.mkdir()
    folder.chmod(0o711)
    done = commands.pytest("broken", "-rf", TMPDIR=str(folder)).must_exit(1)

    assert "14 failed, 15 passed, 1 xfailed, 3 errors" in done.out
    assert "Servers: embedded (BACKEND=embedded). Others: " in done.out
    assert "PostgreSQL 1" in done.out
    assert done.out.count("FAILED broken/test_jobs.py::test_job_api[") == 5
    assert commands.processes_of(folder) == {}
    assert list(folder.iterdir()) == []


def test_one_test_fails_alone_from_inside_the_folder(given_servers):
    nodeid = "test_jobs.py::test_job_api[detail_exists]"

    done = commands.pytest(nodeid, "--tb=line", cwd=ROOT / "broken", **given_servers).must_exit(1)

    assert "1 failed" in done.out
    assert "attached to a different loop" in done.out


def test_xdist_workers_have_databases_of_their_own(given_servers):
    done = commands.pytest("broken", "-n", "2", "--tb=line", **given_servers).must_exit(1)

    # Which Postgres tests fail depends on what ran before them in the same worker.
    counted = re.findall(r"(\d+) (failed|passed|xfailed)", done.out.splitlines()[-1])
    by_word = {word: int(count) for count, word in counted}
    assert sum(by_word.values()) == 30
    errors = [line for line in done.out.splitlines() if re.match(r".+\.pyx?:\d+: \w", line)]
    assert len(errors) == by_word["failed"]
    assert all("attached to a different loop" in line for line in errors)


@pytest.mark.parametrize(
    ("argument", "words"),
    [("suite", "pytest broken"), ("suite/test_jobs.py", "pytest broken"), ("fixed", "make fix")],
)
def test_a_folder_that_is_no_side_refuses_and_names_the_right_command(argument, words):
    done = commands.pytest(argument)

    assert done.code == 4
    assert f"Try: {words}" in done.output
