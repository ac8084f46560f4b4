"""fix, trap, tour and all-fixes: what they run against, refuse, and say. No server is started."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts.commands import fix
from scripts.errors import CommandError
from scripts.run import batch, results
from scripts.run.model import Run
from scripts.run.versions import versions
from scripts.servers.choose import Choice
from scripts.servers.client import Guardian
from scripts.servers.model import Server, Servers
from scripts.sides import diffs, manifest
from scripts.views import remedy, terminal
from tests.support.runs import KILLED, NO_RUNS, write_run

MANIFEST = manifest.load()
SERVERS = Servers(
    "embedded", "t", Server("", "SecantusDB", "0.7"), Server("", "PostgreSQL", "18.4"), ""
)
GUARDIAN = Guardian(SERVERS, io.StringIO())


class Commands:
    """The commands on runs that nobody ran; `ran` are the sides that would have been."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.more: dict[str, dict[str, Any]] = {}
        self.out = io.StringIO()
        self.err = io.StringIO()

    def watched(self, side: manifest.Side, *_: object) -> Run:
        """In place of a run: one as documented, but for `more`."""
        self.ran.append(side.id)
        more = {"versions": versions()} | self.more.get(side.id, {})
        write_run(self.folder, MANIFEST, side.id, **more)
        run = results.read_run(side.id)
        assert run is not None
        return run


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(tmp_path)

    @contextmanager
    def running(backend: str) -> Iterator[Guardian]:
        yield GUARDIAN

    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(fix, "RESULTS", tmp_path)
    monkeypatch.setattr(fix, "choose", lambda: Choice("embedded", "a test"))
    monkeypatch.setattr(fix, "running", running)
    monkeypatch.setattr(fix, "watched", made.watched)
    out = Console(file=made.out, width=100)
    monkeypatch.setattr(terminal, "console", out)
    monkeypatch.setattr(remedy, "console", out)
    monkeypatch.setattr(terminal, "errors", Console(file=made.err, width=100))
    return made


def test_a_broken_run_is_taken_again(commands: Commands) -> None:
    write_run(commands.folder, MANIFEST, "broken", versions=versions())

    assert fix.fix("fix", "9") == 0

    assert commands.ran == ["fix-09"]


@pytest.mark.parametrize("left", [KILLED, {"tests": [], "exit_code": 5}])
def test_a_broken_run_that_is_invalid_is_no_baseline(
    commands: Commands, left: dict[str, Any]
) -> None:
    write_run(commands.folder, MANIFEST, "broken", versions=versions(), **left)

    assert fix.fix("fix", "9") == 0

    assert commands.ran == ["broken", "fix-09"]
    assert "cures 13 of 13 failing tests" in commands.out.getvalue()


@pytest.mark.parametrize("text", NO_RUNS)
def test_a_file_that_is_no_run_is_no_baseline(commands: Commands, text: str) -> None:
    path = write_run(commands.folder, MANIFEST, "broken")
    path.write_text(text, "utf-8")

    assert fix.fix("fix", "9") == 0

    assert commands.ran == ["broken", "fix-09"]
    assert f"{path} is no result of this version" in " ".join(commands.err.getvalue().split())


@pytest.mark.parametrize("command", [lambda: fix.fix("trap", "3"), fix.tour])
def test_broken_is_blamed_if_its_own_run_is_invalid(commands: Commands, command: Any) -> None:
    commands.more["broken"] = KILLED

    assert command() == 1

    assert commands.ran == ["broken"]
    said = commands.out.getvalue()
    assert said.startswith("The broken side: INVALID.")
    assert "INVALID: it had not ended after 1 s" in said
    assert "Trap" not in said + commands.err.getvalue()


def test_all_fixes_grades_nothing_against_an_invalid_broken_run(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.more["broken"] = KILLED

    def run_batch(sides: list[manifest.Side], *_: object) -> batch.Batch:
        runs = {side.id: commands.watched(side) for side in sides}
        return batch.Batch(runs, {side.id: 1.0 for side in sides}, 2)

    monkeypatch.setattr(batch, "run_batch", run_batch)

    assert fix.all_fixes() == 1

    said = commands.out.getvalue()
    assert said.startswith("The broken side: INVALID.")
    assert "is not as documented" not in said


def test_the_headline_comes_first_and_what_goes_before_it_is_no_result(commands: Commands) -> None:
    fix.fix("fix", "3")

    first = commands.out.getvalue().splitlines()[0]
    assert first == (
        "Remedy 3 cures 6 of 13 failing tests (MongoDB all, Postgres none): as documented."
    )
    status = commands.err.getvalue()
    assert status.startswith("Servers: embedded (a test)")
    assert "PostgreSQL 18.4 · SecantusDB 0.7" in status
    assert "Servers: " not in commands.out.getvalue()


def test_a_tour_says_only_at_its_end_what_is_next(commands: Commands) -> None:
    assert fix.tour() == 0

    said = commands.out.getvalue()
    assert commands.ran == ["broken", *MANIFEST.tour]
    assert said.startswith("Remedy 1 cures 0 of 13")
    assert said.count("Next: ") == 1
    assert said.splitlines()[-1] == "Next: make all-fixes && make compare"


@pytest.mark.parametrize("left", [{}, {"duration_s": 0.0}])
def test_a_run_of_which_no_time_is_known_has_no_price_in_time(
    commands: Commands, left: dict[str, Any]
) -> None:
    path = write_run(commands.folder, MANIFEST, "broken")
    data = {**json.loads(path.read_text("utf-8")), **left}
    if not left:
        del data["duration_s"]

    remedy.price(Run.model_validate(data), commands.watched(MANIFEST.get("fix-03")))

    assert "Connections, PostgreSQL: 54 opened (broken 54)" in commands.out.getvalue()
    assert "Time: " not in commands.out.getvalue()


FOLDER = "fixed/03_function_fixture_loop_scope"
SAYS = f"{FOLDER} is not as its remedy.toml says: only pytest.ini may differ from broken/."


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> manifest.Side:
    """Remedy 3 in a checkout that holds it and broken/, and that a test may change."""
    for name in ("broken", FOLDER):
        shutil.copytree(diffs.ROOT / name, tmp_path / name)
    monkeypatch.setattr(fix, "ROOT", tmp_path)
    monkeypatch.setattr(diffs, "ROOT", tmp_path)
    return MANIFEST.get("fix-03")


def appended(path: Path) -> None:
    path.write_text(path.read_text("utf-8") + "X = 1\n", "utf-8")


def as_in_broken(path: Path) -> None:
    shutil.copy(diffs.ROOT / "broken" / path.name, path)


def added(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("X = 1\n", "utf-8")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("conftest.py", appended, "conftest.py differs from broken/"),
        ("test_jobs.py", appended, "test_jobs.py differs from broken/"),
        ("pytest.ini", as_in_broken, "pytest.ini is as in broken/"),
        ("pytest.ini", Path.unlink, "pytest.ini is missing"),
        ("conftest.py", Path.unlink, "conftest.py is missing"),
        ("test_jobs.py", Path.unlink, "test_jobs.py is missing"),
        ("helper.py", added, "helper.py is no file of this side"),
        ("test_more.py", added, "test_more.py is no file of this side"),
        ("db.py", added, "db.py is no file of this side"),
        (".pytest.toml", added, ".pytest.toml is no file of this side"),
        ("more/conftest.py", added, "more/conftest.py is no file of this side"),
    ],
)
def test_a_folder_that_is_not_what_the_manifest_says_is_refused(
    side: manifest.Side, name: str, change: Any, words: str
) -> None:
    change(diffs.ROOT / FOLDER / name)

    with pytest.raises(CommandError) as told:
        fix.check_folder(side)

    assert str(told.value).splitlines() == [SAYS, f"  {FOLDER}/{words}"]
    assert FOLDER in told.value.hint


def test_a_manifest_that_names_another_file_is_refused(side: manifest.Side) -> None:
    with pytest.raises(CommandError) as told:
        fix.check_folder(replace(side, changes=("conftest.py",)))

    assert "only conftest.py may differ from broken/." in str(told.value)
    assert f"{FOLDER}/pytest.ini differs from broken/" in str(told.value)
    assert f"{FOLDER}/conftest.py is as in broken/" in str(told.value)


@pytest.mark.parametrize(
    "name", ["__pycache__/conftest.cpython-311.pyc", ".pytest_cache/README.md", ".DS_Store"]
)
def test_what_tools_leave_in_a_folder_is_nothing_to_refuse(side: manifest.Side, name: str) -> None:
    added(diffs.ROOT / FOLDER / name)

    fix.check_folder(side)


@pytest.mark.parametrize("command", [lambda: fix.fix("fix", "3"), fix.tour, fix.all_fixes])
def test_it_is_refused_before_anything_is_run(
    commands: Commands, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        diffs, "unexpected", lambda side: ["x is missing"] if side.id == "fix-03" else []
    )

    with pytest.raises(CommandError, match="x is missing"):
        command()

    assert commands.ran == []
    assert commands.err.getvalue() == ""
