"""The pair that `make up` keeps where there is no Docker: used, lost, and mended."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from scripts.servers.model import Servers
from tests.faults.seen import Seen
from tests.support.commands import Done, eventually, process_with, processes_of, scripts, started
from tests.support.commands import pytest as bare_pytest

GUARDIAN = "scripts.servers.guardian"
NO_DOCKER = {"BACKEND": "auto", "DOCKER_HOST": "tcp://127.0.0.1:1"}
LIMIT_S = 200
Command = Callable[..., Done]


@pytest.fixture
def places(temporary: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of commands with a pair of their own."""
    own = {"TMPDIR": temporary, "WRONGLOOP_UP": tmp_path, "WRONGLOOP_RESULTS": tmp_path / "results"}
    return NO_DOCKER | {name: str(path) for name, path in own.items()}


@pytest.fixture
def command(places: dict[str, str]) -> Iterator[Command]:
    """A function (*words, **changes) that runs a command; `make down` at the end."""

    def run(*words: str, **changes: str) -> Done:
        return scripts(*words, limit_s=LIMIT_S, **places | changes).must_exit(0)

    yield run
    run("down")


def guardians(temporary: Path) -> list[int]:
    """The processes that own servers."""
    return [pid for pid, line in processes_of(temporary).items() if GUARDIAN in line]


def test_a_pair_serves_commands_until_it_is_ended(
    command: Command, temporary: Path, tmp_path: Path, places: dict[str, str]
) -> None:
    pair = tmp_path / "pair.json"
    assert "No pair is up" in command("ps").out
    assert "up: PostgreSQL" in command("up").out
    assert (pair.stat().st_mode & 0o777) == 0o600
    assert "Since" in command("up").out
    (guardian,) = guardians(temporary)

    remedy = command("fix", "9")
    alone = bare_pytest("traps/06_engine_per_loop_undisposed", "--co", **places)
    bare = bare_pytest("fixed/09_session_loop_for_all", "-k", "simple", **places).must_exit(0)

    assert "(the pair of `make up`, since" in remedy.output
    assert "cures 17 of 17 failing tests" in remedy.out
    assert "(the pair of `make up`, since" in bare.output
    assert "of its own, for a side that uses up a server" in alone.output
    assert guardians(temporary) == [guardian]
    assert "SecantusDB" in command("ps").out
    assert "database system is ready to accept connections" in command("logs").out
    servers = Servers.from_json(json.loads(pair.read_text("utf-8"))["servers"])
    assert servers.postgres
    with psycopg.connect(servers.postgres.url) as connection:
        names = "SELECT count(*) FROM pg_database WHERE datname LIKE 'wrongloop%'"
        assert eventually(lambda: connection.execute(names).fetchone() == (0,), 5)
    command("down")
    assert processes_of(temporary) == {}
    assert list(temporary.iterdir()) == []
    assert not pair.exists()


@pytest.mark.parametrize(
    ("change", "printed"),
    [
        pytest.param(*each, marks=pytest.mark.fault(f"`make up` {title}"), id=title)
        for title, *each in (
            ("after its Postgres was killed", "bin/postgres -D", r"~was ended: postgres \(.*\)"),
            ("after its MongoDB was killed", "secantus", r"~was ended: mongodb \(.*\)"),
            ("after its guardian was killed", GUARDIAN, "was killed; starting another"),
            ("after the requirements changed", "pins", "had other requirements and was ended"),
            ("in a copy of a checkout that has a pair", "checkout", "is another checkout's"),
            ("with a damaged file", "", "was damaged; starting another"),
        )
    ],
)
def test_a_pair_that_is_of_no_use_is_replaced(
    command: Command, temporary: Path, tmp_path: Path, seen: Seen, change: str, printed: str
) -> None:
    command("up")
    pair = tmp_path / "pair.json"
    (first,) = guardians(temporary)
    if change in ("pins", "checkout", ""):
        data = json.loads(pair.read_text("utf-8"))
        pair.write_text(json.dumps(data | {change: "other"}) if change else "{", "utf-8")
    else:
        os.kill(process_with(temporary, change), signal.SIGKILL)

    done = command("up")

    assert "up: PostgreSQL" in done.out
    assert eventually(lambda: first not in guardians(temporary), 5)
    assert len(guardians(temporary)) == 1
    seen(done, printed, left="the new pair")


@pytest.mark.fault("Two `make up` at once")
def test_two_at_once(
    command: Command, temporary: Path, tmp_path: Path, places: dict[str, str], seen: Seen
) -> None:
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("first", "second")]
        ups = []
        for folder in folders:
            folder.mkdir()
            line = [sys.executable, "-m", "scripts", "up"]
            ups.append(stack.enter_context(started(line, folder, **places)))
        done = [up.end(LIMIT_S) for up in ups]

    assert [end.code for end in done] == [0, 0], done
    assert len({line for end in done for line in end.out.splitlines() if "Files:" in line}) == 1
    assert len(guardians(temporary)) == 1
    seen(done[0], "Next: make reproduce, which uses it", left="one pair")


@pytest.mark.fault("A pair that no command uses, WRONGLOOP_UP_IDLE_S=1")
def test_an_idle_pair_ends(command: Command, temporary: Path, seen: Seen) -> None:
    command("up", WRONGLOOP_UP_IDLE_S="1")

    assert eventually(lambda: not guardians(temporary), 10)
    seen(command("ps"), "No pair is up. Next: make up")


@pytest.mark.fault("SIGKILL of a command that uses the pair of `make up`")
def test_a_killed_command_leaves_nothing_on_the_pair(
    command: Command, temporary: Path, tmp_path: Path, places: dict[str, str], seen: Seen
) -> None:
    command("up")
    line = [sys.executable, "-m", "scripts", "reproduce"]
    with started(line, tmp_path, **places) as running:
        process_with(temporary, "postgres: postgres wrongloop_")
        running.signal(signal.SIGKILL)
        done = running.end()

    left = ("postgres: postgres wrongloop_", "scripts.run.recorder")
    commands = lambda: " ".join(processes_of(temporary).values())  # noqa: E731
    assert eventually(lambda: not any(word in commands() for word in left), 5), commands()
    command("down")
    seen(done, "")
