"""Every side, run for real, does what remedies.toml documents; and the commands that show it."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.views import documents
from tests.support.commands import ALL_FIXES_LIMIT_S, Done, environment, in_process, run, scripts

MANIFEST = manifest.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `all_fixes` writes; CI keeps it, and compares other backends with it."""
    kept = os.environ.get("WRONGLOOP_KEEP_RESULTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("every-side")


@pytest.fixture(scope="module")
def all_fixes(folder: Path) -> Done:
    return scripts("all-fixes", limit_s=ALL_FIXES_LIMIT_S, WRONGLOOP_RESULTS=str(folder))


@pytest.fixture(scope="module")
def runs(all_fixes: Done, folder: Path) -> dict[str, Run]:
    """What it wrote, by side."""
    return {side.id: results.read(folder / side.id / "run.json") for side in MANIFEST.side}


@pytest.fixture(scope="module")
def compared(all_fixes: Done, folder: Path) -> Done:
    return scripts("compare", WRONGLOOP_RESULTS=str(folder), COLUMNS="80")


@pytest.fixture(scope="module")
def grades(all_fixes: Done, folder: Path) -> dict[str, dict[str, Any]]:
    """`compare --json` on what it wrote, by side."""
    done = scripts("compare", "--json", WRONGLOOP_RESULTS=str(folder)).must_exit(0)
    return {grade["side"]: grade for grade in json.loads(done.out)}


def test_every_side_is_as_documented_and_what_running_them_cost(all_fixes):
    all_fixes.must_exit(0)
    assert "All as documented" in all_fixes.out
    assert f"{len(MANIFEST.side)} sides in " in all_fixes.out
    assert "servers included" in all_fixes.out


each_side = pytest.mark.parametrize("side", MANIFEST.side, ids=[side.id for side in MANIFEST.side])


@each_side
def test_a_side_leaves_a_run_and_its_output(runs, folder, side):
    run = runs[side.id]

    assert set(run.tests) == set(MANIFEST.nodeids)
    assert run.counts.keys() == {"postgres", "mongodb"}
    assert (folder / side.id / "output.txt").stat().st_size > 0


def test_the_finale_leaves_no_connection_open(runs):
    counts = runs["fix-18"].counts

    assert counts["postgres"].model_dump() == {"opened": 1, "peak": 1, "left_open": 0}
    assert counts["mongodb"].left_open == 0


def test_errors_that_were_only_logged_are_counted(runs):
    closing, ending = "Exception closing connection", "Exception terminating connection"
    assert runs["broken"].logged_errors[f"{ending} (sqlalchemy)"] == 8
    for side in ("fix-02", "fix-06"):  # green tests, whose teardown fails 4 times
        assert runs[side].logged_errors[f"{closing} (sqlalchemy)"] == 4
    for side in ("fix-09", "fix-10", "fix-11", "fix-13", "fix-14", "fix-17", "fix-18", "fix-19"):
        assert runs[side].logged_errors == {}


def test_the_undisposed_engines_use_up_postgres(runs):
    errors = [test.error for test in runs["trap-06"].tests.values() if test.error]

    assert any("too many clients already" in error.message for error in errors)


def test_every_grade_can_be_had_as_json(grades):
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
    # Reruns are flaky, and not cured.
    assert len(grades["trap-04"]["flaky"]) == 13
    assert grades["trap-04"]["fail_to_pass"] == []


@each_side
def test_the_price_in_the_readme_of_a_side_is_what_it_cost(runs, side):
    counts = runs[side.id].counts
    readme = " ".join((ROOT / side.folder / "README.md").read_text("utf-8").split())
    prices = re.findall(r"(\d+) opened, (\d+) at the peak, (\d+) left open", readme)
    opened = re.search(r"Connections to Postgres: (\d+) opened", readme)
    of_mongodb = re.search(r"To MongoDB (\d+)", readme)

    postgres = counts["postgres"]
    price = [str(count) for count in (postgres.opened, postgres.peak, postgres.left_open)]
    assert prices[:1] in ([], [tuple(price)])
    assert not opened or int(opened[1]) == postgres.opened
    assert prices or opened
    assert not of_mongodb or int(of_mongodb[1]) == counts["mongodb"].opened


def test_compare_shows_a_line_a_side_and_the_guide_at_80_columns(compared):
    compared.must_exit(0)
    for side in MANIFEST.side[1:]:
        assert f" {side.id} " in compared.out
    table = compared.out.partition("C cured")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert compared.out.index("→ fix-9") < compared.out.index("→ fix-18")


def test_the_page_of_practices_is_what_these_runs_measured(runs):
    drawn, kept = documents.page(MANIFEST, runs), documents.PAGE.read_text("utf-8")
    # A `mongod` on PATH is another server than the page names; its price is the same.
    assert without_servers(drawn) == without_servers(kept)


def test_the_page_of_what_the_audit_foresees_is_what_the_zoo_expects():
    drawn = documents.foreseen_page(ROOT / "tests" / "zoo")

    assert drawn == documents.FORESEEN.read_text("utf-8"), "python -m scripts foreseen"
    assert "| 03_sqlalchemy_cached_engine | object outlives its loop | **WL003** |" in drawn
    healthy = [line for line in drawn.splitlines() if "| healthy |" in line]
    assert len(healthy) >= 10
    assert not any("**" in line for line in healthy)


def without_servers(page: str) -> list[str]:
    return [line for line in page.splitlines() if not line.startswith("Measured on ")]


def test_a_remedy_is_shown_with_its_diff_what_it_cures_and_its_price(folder):
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
def test_a_number_that_there_is_not_names_those_there_are(kind, number):
    done = in_process(kind, "--", number).must_exit(2)

    assert "they are 1 to" in done.err


def test_a_diff_is_shown_without_running_anything():
    assert "+asyncio_default_test_loop_scope = session" in in_process("diff", "9").must_exit(0).out
    # A db module is shown against that of the app.
    assert "--- shared_app/configs/db.py" in in_process("diff", "7").must_exit(0).out


def test_compare_without_results_says_what_to_run(tmp_path):
    done = scripts("compare", WRONGLOOP_RESULTS=str(tmp_path)).must_exit(2)

    assert "make all-fixes" in done.err
