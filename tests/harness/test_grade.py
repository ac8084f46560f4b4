"""What a remedy did to each test: graded from two runs."""

from typing import Any

import pytest

from scripts.sides import manifest
from scripts.verdict.grade import Grade, documented_verdicts, grade
from tests.support.runs import documented, entry, run_of

MOTOR = "test_jobs.py::test_job_api[hot_default]"
HTTP = "test_jobs_http.py::test_unknown_job_is_404"
FAILED = {"kind": "different_loop", "driver": "motor"}


MANIFEST = manifest.load()


def against_broken(name: str, *tests: dict[str, Any], **more: Any) -> Grade:
    """A run of these tests of a side, against the documented run of broken/."""
    side, run = MANIFEST.get(name), run_of(*tests, side=name, **more)
    broken = run_of(*documented(MANIFEST, MANIFEST.get("broken")))
    return grade(broken, run, side, MANIFEST)


def graded(name: str, *changes: dict[str, Any], **more: Any) -> Grade:
    """The same of a run as documented, but for these tests."""
    tests = {test["nodeid"]: test for test in documented(MANIFEST, MANIFEST.get(name))}
    tests |= {test["nodeid"]: test for test in changes}
    return against_broken(name, *tests.values(), **more)


def test_every_side_as_documented_gets_its_documented_verdict():
    for side in MANIFEST.side[1:]:
        result = graded(side.id)
        assert result.as_documented, side.id
        assert result.verdicts == documented_verdicts(side, MANIFEST)


def test_a_test_that_failed_and_passes_is_cured():
    result = graded("fix-03")

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
def test_only_a_clean_pass_is_a_pass(after, expected):
    result = graded("fix-09", after)

    assert result.changes[after["nodeid"]] == expected
    assert result.as_documented == (expected == "PASS_TO_PASS")
    assert (result.verdicts["mongo"] == "RESOLVED_FULL") == (expected == "PASS_TO_PASS")


def test_a_test_missing_on_one_side_is_no_cure_and_makes_the_run_invalid():
    result = against_broken("fix-09", *documented(MANIFEST, MANIFEST.get("fix-09"))[1:])

    assert result.having("not_on_both") == [MANIFEST.nodeids[0]]
    assert set(result.verdicts.values()) == {"INVALID"}
    assert not result.as_documented


def test_a_run_that_is_no_result_is_no_cure():
    odd, empty = graded("fix-09", exit_code=-9), against_broken("fix-09", exit_code=5)

    assert odd.verdicts["overall"] == empty.verdicts["overall"] == "INVALID"
    assert "-9" in odd.invalid
    assert empty.having("FAIL_TO_PASS") == []
    assert len(empty.having("not_on_both")) == len(MANIFEST.nodeids)
