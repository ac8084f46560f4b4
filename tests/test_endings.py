"""However a command ends, its servers, its pytest and its temporary folders end with it."""

import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.servers.folder import sweep
from tests.commands import Done, eventually, process_with, processes_of, started

REPRODUCE = [sys.executable, "-m", "scripts", "reproduce"]
MAKE = ["make", "--silent", "reproduce"]
PYTEST = [str(Path(sys.executable).with_name("pytest")), "-p", "no:cacheprovider", "broken"]

# The moment of the end: as soon as a process runs whose command line holds these words.
SERVERS_START = "scripts.servers.guardian"
SERVERS_RUN = "secantus"
TESTS_RUN = "scripts.recorder"
A_TEST_HAS_A_DATABASE = "postgres: postgres wrongloop_"
# What a person may rely on: nothing is left this many seconds after the end.
GONE_IN_S = 5.0


def assert_nothing_is_left(folder: Path) -> None:
    """No process and no file of a command that ran with TMPDIR=`folder`, soon."""
    eventually(lambda: not processes_of(folder), GONE_IN_S)
    assert processes_of(folder) == {}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "moment", "number", "code"),
    [
        (REPRODUCE, TESTS_RUN, signal.SIGKILL, -signal.SIGKILL),
        (REPRODUCE, TESTS_RUN, signal.SIGINT, 130),
        (REPRODUCE, TESTS_RUN, signal.SIGTERM, 143),
        (REPRODUCE, SERVERS_START, signal.SIGKILL, -signal.SIGKILL),
        (REPRODUCE, SERVERS_START, signal.SIGTERM, 143),
        (MAKE, TESTS_RUN, signal.SIGKILL, -signal.SIGKILL),
        (PYTEST, SERVERS_RUN, signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_nothing_is_left_five_seconds_after_the_end(
    temporary: Path,
    tmp_path: Path,
    command: Sequence[str],
    moment: str,
    number: signal.Signals,
    code: int,
) -> None:
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}
    with started(command, tmp_path, **places) as running:
        process_with(temporary, moment)

        running.signal(number)

        done = running.end()
        assert_nothing_is_left(temporary)
    assert done.code == code
    assert "Traceback" not in done.out


def kill_in_a_run(temporary: Path, tmp_path: Path, moment: str, victim: str) -> Done:
    """Reproduce, and kill the victim with SIGKILL at that moment; how the command ended."""
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}
    with started(REPRODUCE, tmp_path, **places) as running:
        process_with(temporary, moment)
        os.kill(process_with(temporary, victim), signal.SIGKILL)
        done = running.end()
    assert "Traceback" not in done.out
    assert "NOT AS DOCUMENTED" not in done.out
    assert done.code == 1
    return done


def test_a_run_whose_postgres_dies_is_invalid_in_its_own_words(
    temporary: Path, tmp_path: Path
) -> None:
    done = kill_in_a_run(temporary, tmp_path, A_TEST_HAS_A_DATABASE, "bin/postgres -D")

    # It may die while the side's tables are made, too: then no test runs.
    words = (
        r"INVALID: (\d+ tests met no working server|pytest ran no test .*postgres cannot be used)"
    )
    assert re.search(words, done.out), done.out
    assert "This says nothing about event loops" in done.out
    assert_nothing_is_left(temporary)


def test_servers_end_even_with_a_guardian_that_is_killed(temporary: Path, tmp_path: Path) -> None:
    done = kill_in_a_run(temporary, tmp_path, TESTS_RUN, SERVERS_START)

    assert "INVALID: " in done.out
    assert "the process that owns them ended with code -9" in done.out
    eventually(lambda: not processes_of(temporary), GONE_IN_S)
    assert processes_of(temporary) == {}
    # Nobody was left to remove the folder; the next guardian does.
    (folder,) = temporary.iterdir()
    os.utime(folder, (0, 0))
    sweep(temporary)
    assert list(temporary.iterdir()) == []
