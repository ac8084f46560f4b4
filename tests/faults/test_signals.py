"""However a command ends, its servers, its pytest and its temporary folders end with it."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from scripts.servers.folder import sweep
from tests.faults.seen import GONE_IN_S
from tests.support.commands import LIMIT_S, SCRIPTS, eventually, process_with, processes_of, started
from tests.support.runs import judgement_of

FIX = [*SCRIPTS, "fix", "18"]
MAKE = ["make", "--silent", "reproduce"]
PYTEST = [str(Path(sys.executable).with_name("pytest")), "-p", "no:cacheprovider", "broken"]

# The moment of the end: as soon as a process runs whose command line holds these words.
SERVERS_START = "scripts.servers.guardian"
SERVERS_RUN = "secantus"
TESTS_RUN = "scripts.run.recorder"
# So often at most, until a signal meets a command that is about to end.
TRIES = 5
GRADING = "the side's run.json is written"

INTERRUPTED = "error: interrupted; what was finished is kept, the servers are stopped"
ENDINGS = {
    signal.SIGINT: (130, INTERRUPTED),
    signal.SIGTERM: (143, ""),
    signal.SIGHUP: (129, ""),
    signal.SIGKILL: (-9, ""),
}
MOMENTS = {"the start": SERVERS_START, "the run": TESTS_RUN, "the comparison": GRADING}


def each_ending() -> list[object]:
    return [
        pytest.param(
            MOMENTS[moment],
            number,
            marks=pytest.mark.fault(f"{number.name} during {moment}"),
            id=f"{number.name}-{moment.split()[1]}",
        )
        for moment in MOMENTS
        for number in ENDINGS
    ]


@pytest.mark.parametrize(("moment", "number"), each_ending())
def test_a_remedy_is_ended_by_a_signal(temporary, tmp_path, after_broken, seen, moment, number):
    results = tmp_path / "results"
    for _ in range(TRIES):
        shutil.rmtree(results / "fix-18", ignore_errors=True)
        with started(FIX, tmp_path, **after_broken) as running:
            wait_for(moment, temporary, results)
            running.process.send_signal(number)
            done = running.end()
        if done.code != 0:  # else it had ended by itself before the signal came
            break
    code, printed = ENDINGS[number]
    assert done.code == code
    seen(done, printed)
    for path in results.rglob("*.json"):
        json.loads(path.read_text("utf-8"))  # whole, each of them
    assert list(results.rglob("*.tmp")) == []


def wait_for(moment: str, temporary: Path, results: Path) -> None:
    """Return at that moment of `fix 18`."""
    if moment == GRADING:
        written = results / "fix-18" / "run.json"
        assert eventually(written.exists, LIMIT_S)
    else:
        process_with(temporary, moment)


@pytest.mark.parametrize(
    ("command", "moment"),
    [
        pytest.param(
            MAKE, TESTS_RUN, marks=pytest.mark.fault("SIGKILL of `make`, not of its command")
        ),
        pytest.param(
            PYTEST, SERVERS_RUN, marks=pytest.mark.fault("SIGKILL of a bare `pytest broken`")
        ),
    ],
    ids=["make", "pytest"],
)
def test_what_started_the_servers_is_killed(temporary, tmp_path, places, seen, command, moment):
    with started(command, tmp_path, **places) as running:
        process_with(temporary, moment)

        running.process.send_signal(signal.SIGKILL)

        seen(running.end(), "")


@pytest.mark.fault("SIGKILL of the process that owns the servers")
def test_servers_end_even_with_a_guardian_that_is_killed(temporary, tmp_path, places, seen):
    with started([*SCRIPTS, "reproduce"], tmp_path, **places) as running:
        process_with(temporary, TESTS_RUN)
        os.kill(process_with(temporary, SERVERS_START), signal.SIGKILL)
        done = running.end()

    assert "INVALID: " in done.out
    eventually(lambda: not processes_of(temporary), GONE_IN_S)
    assert processes_of(temporary) == {}
    # Nobody was left to remove the folder; the next guardian does.
    (folder,) = temporary.iterdir()
    os.utime(folder, (0, 0))
    sweep(temporary)
    words = "the process that owns them ended with code -9"
    seen(done, words, left="a temporary folder, until the next start")
    assert list(temporary.iterdir()) == []


@pytest.mark.fault("SIGINT during `make all-fixes`")
def test_ctrl_c_keeps_the_sides_that_have_finished(tmp_path, places, seen):
    with started([*SCRIPTS, "all-fixes"], tmp_path, **places) as running:
        running.wait_for("  broken ")
        running.process.send_signal(signal.SIGINT)
        done = running.end()

    assert done.code == 130
    seen(done, INTERRUPTED)
    written = {path.parent.name for path in tmp_path.glob("results/*/run.json")}
    assert "broken" in written
    for side in written:
        judgement = judgement_of(tmp_path / "results", side)
        assert judgement.as_documented, "an unfinished side was written"
