"""What a remedy did to each test: graded from two runs."""

from typing import Any

import pytest

from scripts.sides import manifest
from scripts.sides.manifest import Manifest
from scripts.verdict.against_broken import Grade, documented_verdicts, grade
from scripts.verdict.documented import judge
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
    return grade(broken, run, whole.get(side), whole, judge(run, whole.get(side), whole))


def test_every_side_as_documented_gets_its_documented_verdict(whole: Manifest) -> None:
    for side in whole.side[1:]:
        result = graded(whole, side.id)
        assert result.as_documented, side.id
        assert result.verdicts == documented_verdicts(side, whole)


def test_a_test_that_failed_and_passes_is_cured(whole: Manifest) -> None:
    result = graded(whole, "fix-03")

    assert result.changes[MOTOR] == "FAIL_TO_PASS"
    assert result.changes[HTTP] == "PASS_TO_PASS"
    assert result.verdicts == {
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
    result = graded(whole, "fix-09", after)

    assert result.changes[after["nodeid"]] == expected
    assert result.as_documented == (expected == "PASS_TO_PASS")
    assert (result.verdicts["mongo"] == "RESOLVED_FULL") == (expected == "PASS_TO_PASS")


def test_a_test_missing_on_one_side_is_no_cure_and_makes_the_run_invalid(whole: Manifest) -> None:
    broken = run_of(*documented(whole, whole.get("broken")))
    side = whole.get("fix-09")
    run = run_of(*documented(whole, side)[1:], side="fix-09")

    result = grade(broken, run, side, whole, judge(run, side, whole))

    assert result.having("not_on_both") == [whole.nodeids[0]]
    assert set(result.verdicts.values()) == {"INVALID"}
    assert not result.as_documented


def test_a_run_that_is_no_result_is_no_cure(whole: Manifest) -> None:
    odd = graded(whole, "fix-09", exit_code=-9)
    assert odd.verdicts["overall"] == "INVALID"
    assert "-9" in odd.invalid

    empty = run_of(side="fix-09", exit_code=5)
    side, broken = whole.get("fix-09"), run_of(*documented(whole, whole.get("broken")))
    graded_empty = grade(broken, empty, side, whole, judge(empty, side, whole))
    assert graded_empty.verdicts["overall"] == "INVALID"
    assert graded_empty.having("FAIL_TO_PASS") == []
    assert len(graded_empty.having("not_on_both")) == len(whole.nodeids)
