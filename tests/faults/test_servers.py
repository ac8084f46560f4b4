"""A server is killed or freezes under a command: never a hang, never a verdict."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.commands import LIMIT_S, SCRIPTS, eventually, process_with, started
from tests.support.runs import judgement_of

FIX = [*SCRIPTS, "fix", "18"]
TESTS_RUN = "scripts.run.recorder"
A_TEST_HAS_A_DATABASE = "postgres: postgres wrongloop_"
# No command may take longer, whatever happens to its servers.
BOUND_S = 150
SERVERS = {"Postgres": "bin/postgres -D", "MongoDB": "secantus"}
FATES = {"killed": signal.SIGKILL, "frozen (SIGSTOP)": signal.SIGSTOP}
NAMES = {"Postgres": r"postgres \(PostgreSQL .*\)", "MongoDB": r"mongodb \(SecantusDB .*\)"}

# Takes mongod's place on PATH, is slow, and is then the real server of the embedded pair.
SLOW_MONGOD = """#!/bin/sh
sleep 30
while [ $# -gt 0 ]; do
  case $1 in --dbpath) data=$2;; --port) port=$2;; esac
  shift
done
: > "$data/none.toml"
exec "PYTHON" -m secantus --config "$data/none.toml" --standalone --host 127.0.0.1 \\
  --port "$port" --storage-path "$data"
"""


def each_fate(when: str, *moment: str) -> list[object]:
    return [
        pytest.param(
            server,
            FATES[fate],
            *moment,
            marks=pytest.mark.fault(f"{server} {fate} {when}"),
            id=f"{server}-{fate.split()[0]}-{when.split()[0]}",
        )
        for server in SERVERS
        for fate in FATES
    ]


def strike(temporary: Path, server: str, fate: signal.Signals) -> None:
    os.kill(process_with(temporary, SERVERS[server]), fate)


@pytest.mark.parametrize(
    ("server", "fate", "moment"),
    [
        *each_fate("before the first test", TESTS_RUN),
        *each_fate("during a test", A_TEST_HAS_A_DATABASE),
    ],
)
def test_under_a_run(temporary, tmp_path, after_broken, seen, server, fate, moment):
    with started(FIX, tmp_path, **after_broken) as running:
        process_with(temporary, moment)
        strike(temporary, server, fate)
        done = running.end(BOUND_S)

    assert done.code == 1
    assert "ocumented" not in done.out
    seen(done, f"~INVALID: {NAMES[server]} no longer answers: .*; its log ends: .*")
    assert judgement_of(tmp_path / "results", "fix-18").invalid


@pytest.mark.parametrize(("server", "fate"), each_fate("after the last test"))
def test_after(temporary, tmp_path, after_broken, seen, server, fate):
    with started(FIX, tmp_path, **after_broken) as running:
        victim = process_with(temporary, SERVERS[server])
        written = tmp_path / "results" / "fix-18" / "run.json"
        assert eventually(written.exists, LIMIT_S)
        with contextlib.suppress(ProcessLookupError):  # the command was quicker, and has ended it
            os.kill(victim, fate)
        done = running.end(BOUND_S)

    assert done.code == 0  # what was to be seen had been seen
    seen(done, "Remedy 18 cures 17 of 17 failing tests (MongoDB all, Postgres all): as documented.")


@pytest.mark.fault("Postgres killed under `make all-fixes`")
def test_under_many_sides(temporary, tmp_path, places, seen):
    with started([*SCRIPTS, "all-fixes"], tmp_path, **places) as running:
        running.wait_for("  broken ")
        strike(temporary, "Postgres", signal.SIGKILL)
        done = running.end(BOUND_S)

    assert done.code == 1
    seen(done, r"~\d+ of \d+ sides had finished; their results are kept")
    kept = {path.parent.name for path in tmp_path.glob("results/*/run.json")}
    assert "broken" in kept


@pytest.mark.fault("A MongoDB that takes 30 s to start")
def test_a_slow_start_is_waited_for(tmp_path, places, seen):
    slow = tmp_path / "bin" / "mongod"
    slow.parent.mkdir()
    slow.write_text(SLOW_MONGOD.replace("PYTHON", sys.executable), "utf-8")
    slow.chmod(0o755)
    path = f"{slow.parent}{os.pathsep}{os.environ['PATH']}"
    with started([*SCRIPTS, "reproduce"], tmp_path, PATH=path, **places) as running:
        done = running.end(BOUND_S)

    assert done.code == 0
    assert "Still waiting for the servers to start (10 s so far)" in done.out
    seen(done, "Still waiting for the servers to start (20 s so far) …")
