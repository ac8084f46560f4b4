"""fix, trap, tour and all-fixes: what they run against, refuse, and print. No server is started."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.commands import session, sides
from scripts.errors import CommandError
from scripts.run import results
from scripts.run.environment import versions
from scripts.sides import diffs, manifest
from scripts.verdict.grade import documented_verdicts
from scripts.views import run as view
from tests.support.runs import KILLED, NO_RUNS, RecordedSession, write_run

MANIFEST = manifest.load()


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedSession:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return RecordedSession(tmp_path, MANIFEST)


def test_a_broken_run_is_taken_again(recorded):
    write_run(recorded.folder, MANIFEST, "broken", versions=versions())

    assert sides.fix("fix", "9", recorded.open) == 0

    assert recorded.ran == ["fix-09"]


@pytest.mark.parametrize("left", [KILLED, {"tests": [], "exit_code": 5}])
def test_a_broken_run_that_is_invalid_is_no_baseline(recorded, left, capsys):
    write_run(recorded.folder, MANIFEST, "broken", versions=versions(), **left)

    assert sides.fix("fix", "9", recorded.open) == 0

    assert recorded.ran == ["broken", "fix-09"]
    assert "cures 17 of 17 failing tests" in capsys.readouterr().out


def test_a_file_that_is_no_run_is_named_and_no_baseline(recorded, capsys):
    path = write_run(recorded.folder, MANIFEST, "broken")
    path.write_text(NO_RUNS[0], "utf-8")

    assert sides.fix("fix", "9", recorded.open) == 0

    assert recorded.ran == ["broken", "fix-09"]
    assert f"{path} is no result of this version: " in " ".join(capsys.readouterr().err.split())


Command = Callable[[RecordedSession], int]
COMMANDS: dict[str, Command] = {
    "fix": lambda recorded: sides.fix("fix", "3", recorded.open),
    "tour": lambda recorded: sides.tour(recorded.open),
    "all-fixes": lambda recorded: sides.all_fixes(open_session=recorded.open),
}
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@each_command
def test_broken_is_blamed_if_its_own_run_is_invalid(recorded, command, capsys):
    recorded.more["broken"] = KILLED

    assert command(recorded) == 1

    assert "broken" in recorded.ran
    output = capsys.readouterr()
    assert output.out.startswith("The broken side: INVALID.")
    assert "INVALID: it had not ended after 1 s" in output.out
    assert "Remedy" not in output.out
    assert "is not as documented" not in output.out


def test_all_fixes_runs_every_side(recorded, capsys):
    recorded.more["fix-03"] = {"tests": []}

    assert sides.all_fixes(open_session=recorded.open) == 1

    assert sorted(recorded.ran) == sorted(side.id for side in MANIFEST.side)
    output = capsys.readouterr().out
    assert "fix-03 is not as documented: pytest ran no test" in output
    assert output.count("is not as documented") == 1


def test_a_tour_ends_with_what_is_next(recorded, capsys):
    assert sides.tour(recorded.open) == 0

    output = capsys.readouterr().out
    assert recorded.ran == ["broken", *MANIFEST.tour]
    assert output.startswith("Remedy 1 cures 0 of 17")
    assert output.count("Next: ") == 1
    assert output.splitlines()[-1] == "Next: make all-fixes && make compare"


def test_next_comes_a_remedy_that_cures_or_another_trap():
    following = {side.id: sides.next_command(side, MANIFEST) for side in MANIFEST.side[1:]}

    assert following["fix-03"].startswith("make fix-9 (the recommended remedy: ")
    assert following["trap-01"].startswith("make trap-2 (another popular answer: ")
    assert following["fix-19"].startswith("make all-fixes && make compare (")
    for command in following.values():
        if command.startswith("make fix-"):
            side = MANIFEST.numbered("fix", command.split()[1].removeprefix("fix-"))
            assert documented_verdicts(side, MANIFEST)["overall"] == "RESOLVED_FULL", command


def test_a_run_of_which_no_time_is_known_has_no_price_in_time(recorded, capsys):
    broken = results.read(write_run(recorded.folder, MANIFEST, "broken", duration_s=0.0))

    view.print_price(broken, recorded.run_side(MANIFEST.get("fix-03")))

    output = capsys.readouterr().out
    assert "Connections, PostgreSQL: 54 opened (broken 54)" in output
    assert "Time: " not in output


FOLDER = "fixed/03_function_fixture_loop_scope"
REFUSAL = f"{FOLDER} is not as its remedy.toml says: only pytest.ini may differ from broken/."


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> manifest.Side:
    """Remedy 3 in a checkout that holds it and broken/, and that a test may change."""
    for name in ("broken", FOLDER):
        shutil.copytree(diffs.ROOT / name, tmp_path / name)
    monkeypatch.setattr(session, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(diffs, "ROOT", tmp_path)
    return MANIFEST.get("fix-03")


def write(path: Path, text: str | None) -> None:
    """Make a file of this text; None removes it."""
    path.parent.mkdir(exist_ok=True)
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")


OTHER = "X = 1\n"
AS_IN_BROKEN = (diffs.ROOT / "broken" / "pytest.ini").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("conftest.py", OTHER, "conftest.py differs from broken/"),
        ("test_jobs.py", OTHER, "test_jobs.py differs from broken/"),
        ("pytest.ini", AS_IN_BROKEN, "pytest.ini is as in broken/"),
        ("pytest.ini", None, "pytest.ini is missing"),
        ("conftest.py", None, "conftest.py is missing"),
        ("test_jobs.py", None, "test_jobs.py is missing"),
        ("helper.py", OTHER, "helper.py is no file of this side"),
        ("test_more.py", OTHER, "test_more.py is no file of this side"),
        ("db.py", OTHER, "db.py is no file of this side"),
        (".pytest.toml", OTHER, ".pytest.toml is no file of this side"),
        ("more/conftest.py", OTHER, "more/conftest.py is no file of this side"),
    ],
)
def test_a_folder_that_is_not_what_the_manifest_says_is_refused(side, name, text, words):
    write(diffs.ROOT / FOLDER / name, text)

    with pytest.raises(CommandError) as refused:
        session.check_folders([side])

    assert str(refused.value).splitlines() == [REFUSAL, f"  {FOLDER}/{words}"]
    assert FOLDER in refused.value.hint


def test_a_manifest_that_names_another_file_is_refused(side):
    with pytest.raises(CommandError) as refused:
        session.check_folders([replace(side, changes=("conftest.py",))])

    assert "only conftest.py may differ from broken/." in str(refused.value)
    assert f"{FOLDER}/pytest.ini differs from broken/" in str(refused.value)
    assert f"{FOLDER}/conftest.py is as in broken/" in str(refused.value)


@pytest.mark.parametrize(
    "name", ["__pycache__/conftest.cpython-311.pyc", ".pytest_cache/README.md", ".DS_Store"]
)
def test_what_tools_leave_in_a_folder_is_nothing_to_refuse(side, name):
    write(diffs.ROOT / FOLDER / name, OTHER)

    session.check_folders([side])


@each_command
def test_it_is_refused_before_anything_is_run(recorded, command, monkeypatch, capsys):
    monkeypatch.setattr(diffs, "unexpected", lambda side: side.id == "fix-03" and ["x is missing"])

    with pytest.raises(CommandError, match="x is missing"):
        command(recorded)

    assert recorded.ran == []
    assert capsys.readouterr().err == ""
