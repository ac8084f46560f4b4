"""What a remedy did to each test: graded from two runs."""

from typing import Any

import pytest

from scripts.sides import manifest
from scripts.sides.manifest import Manifest
from scripts.verdict.grade import Grade, documented_verdicts, grade
from tests.support.runs import documented, entry, run_of

MOTOR = "test_jobs.py::test_job_api[hot_default]"
HTTP = "test_jobs_http.py::test_unknown_job_is_404"
FAILED = {"kind": "different_loop", "driver": "motor"}


@pytest.fixture(scope="module")
def whole() -> Manifest:
    return manifest.load()


def graded(whole: Manifest, side: str, *changes: dict[str, Any], **more: Any) -> Grade:
    """A run of `side` as documented, but for these entries, against the documented broken one."""
    broken = run_of(*documented(whole, whole.get("broken")))
    tests = {test["nodeid"]: test for test in documented(whole, whole.get(side))}
    tests |= {test["nodeid"]: test for test in changes}
    run = run_of(*tests.values(), **{"side": side, **more})
    return grade(broken, run, whole.get(side), whole)


def test_every_side_as_documented_gets_its_documented_verdict(whole: Manifest) -> None:
    for side in whole.side[1:]:
        found = graded(whole, side.id)
        assert found.as_documented, side.id
        assert found.verdicts == documented_verdicts(side, whole)


def test_a_test_that_failed_and_passes_is_cured(whole: Manifest) -> None:
    found = graded(whole, "fix-03")

    assert found.changes[MOTOR] == "FAIL_TO_PASS"
    assert found.changes[HTTP] == "PASS_TO_PASS"
    assert found.verdicts == {
        "overall": "RESOLVED_PARTIAL",
        "mongo": "RESOLVED_FULL",
        "postgres": "RESOLVED_PARTIAL",
    }


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (entry(MOTOR, "failed", **FAILED), "FAIL_TO_FAIL"),
        (entry(MOTOR, "skipped"), "FAIL_TO_FAIL"),
        (entry(MOTOR, "error", **FAILED) | {"phase": "teardown"}, "FAIL_TO_FAIL"),
        (entry(MOTOR, "error", **FAILED) | {"phase": "setup"}, "FAIL_TO_FAIL"),
        (entry(MOTOR, "passed") | {"reruns": 1}, "flaky"),
        (entry(HTTP, "failed", **FAILED), "PASS_TO_FAIL"),
        (entry(HTTP, "skipped"), "PASS_TO_FAIL"),
        (entry(HTTP, "passed"), "PASS_TO_PASS"),
    ],
)
def test_only_a_clean_pass_is_a_pass(whole: Manifest, after: dict[str, Any], expected: str) -> None:
    found = graded(whole, "fix-09", after)

    assert found.changes[after["nodeid"]] == expected
    assert found.as_documented == (expected == "PASS_TO_PASS")
    assert (found.verdicts["mongo"] == "RESOLVED_FULL") == (expected == "PASS_TO_PASS")


def test_a_test_missing_on_one_side_is_no_cure_and_makes_the_run_invalid(whole: Manifest) -> None:
    broken = run_of(*documented(whole, whole.get("broken")))
    side = whole.get("fix-09")
    run = run_of(*documented(whole, side)[1:], side="fix-09")

    found = grade(broken, run, side, whole)

    assert found.having("not_on_both") == [whole.nodeids[0]]
    assert set(found.verdicts.values()) == {"INVALID"}
    assert not found.as_documented


@pytest.mark.parametrize("exit_code", [2, 3, 4, 5, -9])
def test_an_odd_exit_code_makes_the_grade_invalid(whole: Manifest, exit_code: int) -> None:
    found = graded(whole, "fix-09", exit_code=exit_code)

    assert found.verdicts["overall"] == "INVALID"
    assert str(exit_code) in found.invalid


def test_nothing_collected_is_invalid_and_not_a_cure(whole: Manifest) -> None:
    broken = run_of(*documented(whole, whole.get("broken")))
    side = whole.get("fix-09")
    run = run_of(side="fix-09", exit_code=5)

    found = grade(broken, run, side, whole)

    assert found.verdicts["overall"] == "INVALID"
    assert found.having("FAIL_TO_PASS") == []
    assert len(found.having("not_on_both")) == len(whole.nodeids)
