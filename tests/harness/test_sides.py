"""Every side, run for real, does what remedies.toml documents; and the commands that show it."""

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.paths import ROOT
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.views import documents
from tests.support.commands import (
    Done,
    environment,
    eventually,
    in_process,
    processes_of,
    run,
    scripts,
    started,
)

MANIFEST = manifest.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `all_fixes` writes; CI keeps it, and compares other backends with it."""
    kept = os.environ.get("WRONGLOOP_KEEP_RESULTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("every-side")


@pytest.fixture(scope="module")
def all_fixes(folder: Path) -> Done:
    """`all-fixes`, run once."""
    return scripts("all-fixes", limit_s=900, WRONGLOOP_RESULTS=str(folder))


@pytest.fixture(scope="module")
def compared(all_fixes: Done, folder: Path) -> Done:
    """`compare` on what it wrote."""
    return scripts("compare", WRONGLOOP_RESULTS=str(folder), COLUMNS="80")


@pytest.fixture(scope="module")
def grades(all_fixes: Done, folder: Path) -> dict[str, dict[str, Any]]:
    """`compare --json` on what it wrote, by side."""
    done = scripts("compare", "--json", WRONGLOOP_RESULTS=str(folder)).must_exit(0)
    return {grade["side"]: grade for grade in json.loads(done.out)}


def test_every_side_is_as_documented(all_fixes: Done) -> None:
    all_fixes.must_exit(0)
    assert "All as documented" in all_fixes.out


def test_all_fixes_says_what_running_beside_each_other_cost(all_fixes: Done) -> None:
    assert f"{len(MANIFEST.side)} sides in " in all_fixes.out
    assert "servers included" in all_fixes.out


@pytest.mark.parametrize("side", MANIFEST.side, ids=[side.id for side in MANIFEST.side])
def test_a_side_leaves_a_run_and_its_output(
    all_fixes: Done, folder: Path, side: manifest.Side
) -> None:
    run = json.loads((folder / side.id / "run.json").read_text("utf-8"))

    assert [test["nodeid"] for test in run["tests"]] != []
    assert {test["nodeid"] for test in run["tests"]} == set(MANIFEST.nodeids)
    assert set(run["counts"]) == {"postgres", "mongodb"}
    assert (folder / side.id / "output.txt").stat().st_size > 0


def test_the_finale_leaves_no_connection_open(all_fixes: Done, folder: Path) -> None:
    counts = json.loads((folder / "fix-18" / "run.json").read_text("utf-8"))["counts"]

    assert counts["postgres"] == {"opened": 1, "peak": 1, "left_open": 0}
    assert counts["mongodb"]["left_open"] == 0


def test_errors_that_were_only_logged_are_counted(all_fixes: Done, folder: Path) -> None:
    logged = {
        side.id: json.loads((folder / side.id / "run.json").read_text("utf-8"))["logged_errors"]
        for side in MANIFEST.side
    }

    closing, ending = "Exception closing connection", "Exception terminating connection"
    assert logged["broken"][f"{ending} (sqlalchemy)"] == 8
    for side in ("fix-02", "fix-06"):  # green tests, whose teardown fails 4 times
        assert logged[side][f"{closing} (sqlalchemy)"] == 4
    for side in ("fix-09", "fix-10", "fix-11", "fix-13", "fix-14", "fix-17", "fix-18", "fix-19"):
        assert logged[side] == {}


def test_the_undisposed_engines_use_up_postgres(all_fixes: Done, folder: Path) -> None:
    run = json.loads((folder / "trap-06" / "run.json").read_text("utf-8"))
    messages = [test["error"]["message"] for test in run["tests"] if test["error"]]

    assert any("too many clients already" in message for message in messages)


def test_every_grade_can_be_had_as_json(grades: dict[str, dict[str, Any]]) -> None:
    assert list(grades) == [side.id for side in MANIFEST.side[1:]]
    grade = grades["fix-03"]
    assert grade["verdict"] == "RESOLVED_PARTIAL"
    assert grade["per_group"] == {"mongo": "RESOLVED_FULL", "postgres": "RESOLVED_PARTIAL"}
    counts = {key: len(value) for key, value in grade.items() if isinstance(value, list)}
    assert counts == {
        **{"fail_to_pass": 8, "fail_to_fail": 9, "pass_to_pass": 13, "pass_to_fail": 0},
        **{"flaky": 0, "not_on_both": 0},
    }
    assert (grade["as_documented"], grade["invalid"]) == (True, "")


def test_reruns_are_flaky_and_not_cured(grades: dict[str, dict[str, Any]]) -> None:
    grade = grades["trap-04"]

    assert len(grade["flaky"]) == 13
    assert grade["fail_to_pass"] == []


@pytest.mark.parametrize("side", MANIFEST.side, ids=[side.id for side in MANIFEST.side])
def test_the_price_in_the_readme_of_a_side_is_what_it_cost(
    all_fixes: Done, folder: Path, side: manifest.Side
) -> None:
    counts = json.loads((folder / side.id / "run.json").read_text("utf-8"))["counts"]
    readme = " ".join((ROOT / side.folder / "README.md").read_text("utf-8").split())
    prices = re.findall(r"(\d+) opened, (\d+) at the peak, (\d+) left open", readme)
    opened = re.search(r"Connections to Postgres: (\d+) opened", readme)
    of_mongodb = re.search(r"To MongoDB (\d+)", readme)

    assert prices[:1] in ([], [tuple(str(count) for count in counts["postgres"].values())])
    assert not opened or int(opened[1]) == counts["postgres"]["opened"]
    assert prices or opened
    assert not of_mongodb or int(of_mongodb[1]) == counts["mongodb"]["opened"]


def test_compare_shows_a_line_a_side_and_the_guide_at_80_columns(compared: Done) -> None:
    compared.must_exit(0)
    for side in MANIFEST.side[1:]:
        assert f" {side.id} " in compared.out
    table = compared.out.partition("C cured")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert compared.out.index("→ fix-9") < compared.out.index("→ fix-18")


def test_the_page_of_practices_is_what_these_runs_measured(all_fixes: Done, folder: Path) -> None:
    runs = {}
    for side in MANIFEST.side:
        data = json.loads((folder / side.id / "run.json").read_text("utf-8"))
        runs[side.id] = Run.model_validate(data)

    drawn, kept = documents.page(MANIFEST, runs), documents.PAGE.read_text("utf-8")
    # A `mongod` on PATH is another server than the page names; its price is the same.
    assert without_servers(drawn) == without_servers(kept)


def without_servers(page: str) -> list[str]:
    return [line for line in page.splitlines() if not line.startswith("Measured on ")]


def test_a_remedy_is_shown_with_its_diff_what_it_cures_and_its_price(folder: Path) -> None:
    env = environment(WRONGLOOP_RESULTS=str(folder))

    done = run(["make", "--silent", "fix-3"], env=env).must_exit(0)

    assert done.out.startswith(
        "Remedy 3 cures 8 of 17 failing tests (MongoDB all, Postgres some): as documented.\n"
    )
    for text in (
        "+asyncio_default_fixture_loop_scope = function",
        "cured",
        "still fails",
        "still passes",
        "different loop asyncpg, in test_chat_service_e2e.py::test_stream_chat_response_gemini_e2e",
        "running at …/suite/test_chat_service_e2e.py:22> cb=[…]> got Future <Future pending cb=[",
        "Connections, PostgreSQL: 10 opened",
        "used on B at shared_app/conversations/dao.py",
        "Whole picture: .venv/bin/whichloop lanes results/fix-03/recording.json",
        "Time: ",
        "Why: ",
        "When: ",
        "Next: make fix-9 (the recommended remedy: ",
    ):
        assert text in done.out


@pytest.mark.parametrize("number", ["0", "99", "abc", "-1", "3; ls", "٣", ""])
@pytest.mark.parametrize("kind", ["trap", "diff"])
def test_a_number_that_there_is_not_names_those_there_are(kind: str, number: str) -> None:
    done = in_process(kind, "--", number).must_exit(2)

    assert "they are 1 to" in done.err


def test_ctrl_c_keeps_the_sides_that_have_finished(tmp_path: Path, temporary: Path) -> None:
    command = [sys.executable, "-m", "scripts", "all-fixes"]
    changes = {"WRONGLOOP_RESULTS": str(tmp_path / "results"), "TMPDIR": str(temporary)}
    with started(command, tmp_path, **changes) as running:
        running.wait_for("  broken ")
        running.signal(signal.SIGINT)
        done = running.end()

    assert done.code == 130
    assert "error: interrupted" in done.out
    compared = scripts("compare", "--json", WRONGLOOP_RESULTS=str(tmp_path / "results"))
    graded = {grade["side"] for grade in json.loads(compared.must_exit(1).out)}
    written = {path.parent.name for path in tmp_path.glob("results/*/run.json")}
    assert "broken" in written
    assert graded == written - {"broken"}
    for side in written:
        run = json.loads((tmp_path / "results" / side / "run.json").read_text("utf-8"))
        ran = {test["nodeid"] for test in run["tests"]}
        assert ran == set(MANIFEST.nodeids), "an unfinished side was written"
    assert eventually(lambda: not processes_of(temporary), 5), processes_of(temporary)


def test_a_diff_is_shown_without_running_anything() -> None:
    done = in_process("diff", "9").must_exit(0)

    assert "+asyncio_default_test_loop_scope = session" in done.out


def test_a_db_module_is_shown_against_that_of_the_app() -> None:
    done = in_process("diff", "7").must_exit(0)

    assert "--- shared_app/configs/db.py" in done.out


def test_compare_without_results_says_what_to_run(tmp_path: Path) -> None:
    done = scripts("compare", WRONGLOOP_RESULTS=str(tmp_path)).must_exit(2)

    assert "make all-fixes" in done.err
