"""The pair that `make up` keeps where there is no Docker: used, lost, and mended."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from scripts.servers.model import Servers
from tests.support import commands
from tests.support.commands import SCRIPTS, Done, eventually, process_with, processes_of, started

GUARDIAN = "scripts.servers.guardian"


class Up:
    """Commands that have a pair of their own, in these two folders, and no Docker."""

    def __init__(self, temporary: Path, folder: Path) -> None:
        self.temporary = temporary
        self.file = folder / "pair.json"
        self.places = {"BACKEND": "auto", "DOCKER_HOST": "tcp://127.0.0.1:1"}
        self.places |= {"TMPDIR": str(temporary), "WRONGLOOP_UP": str(folder)}
        self.places["WRONGLOOP_RESULTS"] = str(folder / "results")

    def __call__(self, *words: str, **changes: str) -> Done:
        return commands.scripts(*words, **self.places | changes).must_exit(0)

    def guardians(self) -> list[int]:
        """The processes that own servers."""
        return [pid for pid, line in processes_of(self.temporary).items() if GUARDIAN in line]


@pytest.fixture
def command(temporary: Path, tmp_path: Path) -> Iterator[Up]:
    """A function (*words, **changes) that runs a command; `make down` at the end."""
    up = Up(temporary, tmp_path)
    yield up
    up("down")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The same, with a pair that a test finds as the test before it left it."""
    with commands.temporary_folder() as temporary:
        up = Up(temporary, tmp_path_factory.mktemp("pair"))
        up("up")
        yield up
        up("down")


def test_a_pair_serves_commands_until_it_is_ended(command, temporary):
    assert "No pair is up" in command("ps").out
    assert "up: PostgreSQL" in command("up").out
    assert (command.file.stat().st_mode & 0o777) == 0o600
    assert "Since" in command("up").out
    (guardian,) = command.guardians()

    remedy = command("fix")
    places = command.places
    alone = commands.pytest("traps/06_engine_per_loop_undisposed", "--co", **places)
    bare = commands.pytest("fixed/09_session_loop_for_all", "-k", "simple", **places).must_exit(0)

    assert "(the pair of `make up`, since" in remedy.output
    assert "cures 17 of 17 failing tests" in remedy.out
    assert "(the pair of `make up`, since" in bare.output
    assert "of its own, for a side that uses up a server" in alone.output
    assert command.guardians() == [guardian]
    assert "SecantusDB" in command("ps").out
    assert "database system is ready to accept connections" in command("logs").out
    servers = Servers.from_json(json.loads(command.file.read_text("utf-8"))["servers"])
    with psycopg.connect(servers.postgres.url) as connection:
        names = "SELECT count(*) FROM pg_database WHERE datname LIKE 'wrongloop%'"
        assert eventually(lambda: connection.execute(names).fetchone() == (0,), 5)
    command("down")
    assert processes_of(temporary) == {}
    assert list(temporary.iterdir()) == []
    assert not command.file.exists()


@pytest.mark.parametrize(
    ("change", "printed"),
    [
        pytest.param(*case, marks=pytest.mark.fault(f"`make up` {title}"), id=title)
        for title, *case in (
            ("after its Postgres was killed", "bin/postgres -D", r"~was ended: postgres \(.*\)"),
            ("after its MongoDB was killed", "secantus", r"~was ended: mongodb \(.*\)"),
            ("after its guardian was killed", GUARDIAN, "was killed; starting another"),
            ("after the requirements changed", "pins", "had other requirements and was ended"),
            ("in a copy of a checkout that has a pair", "checkout", "is another checkout's"),
            ("with a damaged file", "", "was damaged; starting another"),
        )
    ],
)
def test_a_pair_that_is_of_no_use_is_replaced(lasting, seen, change, printed):
    (first,) = lasting.guardians()
    if change in ("pins", "checkout", ""):
        data = json.loads(lasting.file.read_text("utf-8"))
        lasting.file.write_text(json.dumps(data | {change: "other"}) if change else "{", "utf-8")
    else:
        os.kill(process_with(lasting.temporary, change), signal.SIGKILL)

    done = lasting("up")

    assert "up: PostgreSQL" in done.out
    assert eventually(lambda: first not in lasting.guardians(), 5)
    assert len(lasting.guardians()) == 1
    seen(done, printed, left="the new pair")


@pytest.mark.fault("Two `make up` at once")
def test_two_at_once(command, tmp_path, seen):
    with ExitStack() as stack:
        ups = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            run = started([*SCRIPTS, "up"], tmp_path / name, **command.places)
            ups.append(stack.enter_context(run))
        done = [up.end() for up in ups]

    assert [end.code for end in done] == [0, 0], done
    assert len({line for end in done for line in end.out.splitlines() if "Files:" in line}) == 1
    assert len(command.guardians()) == 1
    seen(done[0], "Next: make reproduce, which uses it", left="one pair")


@pytest.mark.fault("A pair that no command uses, WRONGLOOP_UP_IDLE_S=1")
def test_an_idle_pair_ends(command, seen):
    command("up", WRONGLOOP_UP_IDLE_S="1")

    assert eventually(lambda: not command.guardians(), 10)
    seen(command("ps"), "No pair is up. Next: make up")


@pytest.mark.fault("SIGKILL of a command that uses the pair of `make up`")
def test_a_killed_command_leaves_nothing_on_the_pair(command, temporary, tmp_path, seen):
    command("up")
    with started([*SCRIPTS, "reproduce"], tmp_path, **command.places) as running:
        process_with(temporary, "postgres: postgres wrongloop_")
        running.process.send_signal(signal.SIGKILL)
        done = running.end()

    left = ("postgres: postgres wrongloop_", "scripts.run.recorder")
    lines = lambda: " ".join(processes_of(temporary).values())  # noqa: E731
    assert eventually(lambda: not any(word in lines() for word in left), 5), lines()
    command("down")
    seen(done, "")
