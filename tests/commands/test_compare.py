"""compare: one matrix of what is in results/, graded there and then; nothing is run."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from scripts.errors import CommandError
from scripts.run import results
from scripts.sides import manifest
from scripts.views import terminal
from scripts.views.compare import SHORT_NAMES, by_module, compare, other_circumstances
from tests.support.runs import KILLED, NO_RUNS, run_of, write_run

MANIFEST = manifest.load()
Compared = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def as_documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("as-documented")
    for side in MANIFEST.side:
        write_run(folder, MANIFEST, side.id)
    return folder


@pytest.fixture
def compared(as_documented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compared:
    """`compare` on `tmp_path`, on a terminal of 80 columns: its exit code, and what it printed."""
    shutil.copytree(as_documented, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(as_json: bool = False) -> tuple[int, str]:
        out = io.StringIO()
        monkeypatch.setattr(terminal, "console", Console(file=out, width=80))
        return compare(as_json), out.getvalue()

    return run


def line_of(side: str, printed: str) -> str:
    return next((line for line in printed.splitlines() if line.startswith(f" {side} ")), "")


def test_every_column_of_letters_has_a_name_that_is_told(compared):
    code, printed = compared()

    assert code == 0
    heading = line_of("side", printed).split()
    modules = by_module(MANIFEST)
    names = [SHORT_NAMES[path] for path in modules]
    assert heading == ["side", *names, "mongo", "pg", "PG", "conns", "time"]
    assert len(set(names)) == len(modules)
    assert list(modules) == sorted(modules)  # as pytest runs them, and fix-N shows them
    legend = " ".join(printed.partition("C cured")[2].split())
    assert all(f"{SHORT_NAMES[path]} = {path}" in legend for path in modules)
    line = line_of("fix-03", printed)
    letters = [".x.x", ".x.x", ".x.x.x", "CxxC", "C", "CCCCC", "....", ".."]
    assert line.split()[1:11] == [*letters, "all", "some"]
    for name, word in zip(names, letters, strict=True):  # each under its module
        assert line[line_of("side", printed).index(f" {name} ") + 1 :].startswith(word)
    for line in printed.splitlines():
        assert len(line.rstrip()) <= 80


def test_a_side_that_was_killed_is_invalid_and_no_traceback(compared, tmp_path):
    path = write_run(tmp_path, MANIFEST, "trap-06", **KILLED)
    data = json.loads(path.read_text("utf-8"))
    del data["duration_s"]
    path.write_text(json.dumps(data), "utf-8")

    code, printed = compared()

    assert code == 1
    assert "INVALID" in line_of("trap-06", printed)
    assert "…" not in line_of("side", printed)
    assert all(len(line.rstrip()) <= 80 for line in printed.splitlines())
    assert "Not as documented: trap-6.\nNext: make trap-6" in printed


def test_a_file_that_is_no_run_is_no_result(compared, tmp_path):
    (tmp_path / "fix-03" / "run.json").write_text(NO_RUNS[0], "utf-8")

    code, printed = compared()

    assert code == 1
    assert line_of("fix-03", printed) == ""
    assert "No result yet of: fix-3.\nNext: make fix-3" in printed
    (tmp_path / "broken" / "run.json").write_text(NO_RUNS[0], "utf-8")
    with pytest.raises(CommandError, match="no results of this version"):
        compared()


def test_nothing_is_held_against_a_broken_run_that_is_invalid(compared, tmp_path):
    write_run(tmp_path, MANIFEST, "broken", **KILLED)

    with pytest.raises(CommandError, match=r"broken/ is INVALID.*had not ended after 1 s") as told:
        compared()

    assert told.value.hint.startswith("make reproduce")


def test_json_has_stdout_to_itself(compared, tmp_path, monkeypatch):
    (tmp_path / "fix-09" / "run.json").unlink()
    write_run(tmp_path, MANIFEST, "fix-03", **KILLED)
    err = io.StringIO()
    monkeypatch.setattr(terminal, "errors", Console(file=err, width=80))

    code, printed = compared(as_json=True)

    assert code == 1
    grades = {grade["side"]: grade for grade in json.loads(printed)}
    assert set(grades) == {side.id for side in MANIFEST.side[1:]} - {"fix-09"}
    assert grades["fix-03"]["per_group"] == {"mongo": "INVALID", "postgres": "INVALID"}
    assert "had not ended" in grades["fix-03"]["invalid"]
    assert "No result yet of: fix-9.\nNext: make fix-9" in err.getvalue()


NO_SERVERS = {"servers": {"mongodb": None, "postgres": None}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"versions": {"python": "3.11.7", "pytest": "8.4"}}, "pytest 8.4 and not pytest 9.2.0"),
        ({"backend": "compose"}, "containers and not embedded"),
        (NO_SERVERS, "no mongodb and not SecantusDB 0.7, no postgres and not PostgreSQL 18.4"),
    ],
)
def test_a_run_under_other_circumstances_than_brokens_is_none_to_compare(
    compared, tmp_path, more, words
):
    write_run(tmp_path, MANIFEST, "fix-03", **more)

    code, printed = compared()

    assert code == 1
    assert line_of("fix-03", printed) == ""
    sentence = f"Run with {words} as broken/ was: fix-3. Next: make fix-3"
    assert sentence in " ".join(printed.split())


def test_it_does_not_matter_who_started_the_containers():
    first, second = (run_of(backend=backend) for backend in ("testcontainers", "compose"))

    assert other_circumstances(first, second) == ""


def test_many_that_are_lacking_are_run_by_one_command(compared, tmp_path):
    for side in MANIFEST.side[1:5]:
        (tmp_path / side.id / "run.json").unlink()

    code, printed = compared()

    assert code == 1
    assert "No result yet of: fix-1, fix-2, fix-3, fix-4.\nNext: make all-fixes" in printed
