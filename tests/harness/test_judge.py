"""A run held against what is documented: as documented, different, or no result at all."""

from typing import Any

import pytest

from scripts.run.side import first_error
from scripts.sides import manifest
from scripts.verdict.grade import judge
from tests.support.runs import documented, entry, run_of

MANIFEST = manifest.load()


BROKEN = MANIFEST.get("broken")


def test_exactly_the_documented_outcomes_are_as_documented():
    judgement = judge(run_of(*documented(MANIFEST, BROKEN)), BROKEN, MANIFEST)

    assert judgement.as_documented
    assert (judgement.invalid, judgement.differences) == ("", ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (entry("", "passed"), "was passed"),
        (
            entry("", "error", kind="different_loop", driver="motor") | {"phase": "teardown"},
            "was passed, failed in teardown, attached",
        ),
        (
            entry("", "failed", kind="loop_closed", driver="motor"),
            "was failed, Event loop is closed",
        ),
        (entry("", "failed", kind="different_loop", driver="asyncpg"), "loop (asyncpg)"),
        (entry("", "skipped"), "was skipped"),
    ],
)
def test_every_other_outcome_kind_or_driver_is_a_difference(change, words):
    tests = documented(MANIFEST, BROKEN)
    nodeid = tests[0]["nodeid"]
    assert BROKEN.documented[nodeid].driver == "motor"
    tests[0] = {**change, "nodeid": nodeid}

    judgement = judge(run_of(*tests), BROKEN, MANIFEST)

    (difference,) = judgement.differences
    assert difference.startswith(
        f"{nodeid}: documented failed, attached to a different loop (motor)"
    )
    assert words in difference


def test_a_broken_side_whose_tests_all_pass_differs_in_every_failing_test():
    tests = [entry(nodeid, "passed") for nodeid in MANIFEST.nodeids]

    judgement = judge(run_of(*tests), BROKEN, MANIFEST)

    failing = [nodeid for nodeid in MANIFEST.nodeids if BROKEN.documented[nodeid].kind]
    assert len(judgement.differences) == len(failing) > 0
    assert not judgement.as_documented


def gone(test: dict[str, Any]) -> dict[str, Any]:
    """The test, had its server died."""
    return entry(test["nodeid"], "error", kind="infrastructure", message="mongodb is gone")


NO_TESTS: dict[str, Any] = {"tests": []}
OPTION = "ERROR: Unknown config option: foo"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda tests: NO_TESTS | {"exit_code": 5}, "no test (exit code 5)"),
        (lambda tests: NO_TESTS | {"last_words": "ERROR: usage"}, "ERROR: usage"),
        (
            lambda tests: NO_TESTS | {"exit_code": 4, "said": OPTION},
            f"no test (exit code 4): {OPTION}",
        ),
        (
            lambda tests: NO_TESTS | {"said": "ERROR: first", "last_words": "ERROR: first | then"},
            "): ERROR: first | then",
        ),
        (
            lambda tests: NO_TESTS | {"said": "ERROR: first", "last_words": "the end"},
            "): ERROR: first | the end",
        ),
        (lambda tests: {"exit_code": 2}, "exit code 2, which is neither passed nor failed"),
        (lambda tests: {"exit_code": -11}, "exit code -11"),
        (lambda tests: {"exit_code": 0}, "does not fit the outcomes"),
        (lambda tests: {"collection_errors": ["test_jobs.py: no module"]}, "could be collected"),
        (lambda tests: {"tests": tests[1:]}, "1 documented tests did not run"),
        (lambda tests: {"tests": [*tests, entry("test_new.py::t", "passed")]}, "test_new.py::t"),
        (lambda tests: {"tests": [gone(tests[0]), *tests[1:]]}, "mongodb is gone"),
    ],
)
def test_what_is_no_result_is_invalid_and_never_a_difference(spoil, words):
    tests = documented(MANIFEST, BROKEN)
    run = run_of(*tests)
    spoilt = run_of(**({"tests": tests, "exit_code": run.exit_code} | spoil(tests)))

    judgement = judge(spoilt, BROKEN, MANIFEST)

    assert words in judgement.invalid
    assert judgement.differences == ()
    assert not judgement.as_documented


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (
            "plugins: anyio\ncollecting ... ERROR: Unknown option: foo\n\n",
            "ERROR: Unknown option: foo",
        ),
        ("\nERROR: usage: pytest\nERROR: two\n", "ERROR: usage: pytest"),
        ("test_jobs.py::test_job ERROR\nERROR test_jobs.py - said ERROR: no\n", ""),
    ],
)
def test_the_first_error_of_pytest_itself_is_found_in_its_output(output, error):
    assert first_error(output) == error
