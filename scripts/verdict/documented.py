"""Hold a run against what is documented. Pure: a run and a manifest in, a judgement out."""

from collections import Counter
from dataclasses import dataclass

from scripts.run.model import Run, Test
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.words import KINDS, OUTCOMES, Kind, Outcome

# pytest's exit codes: 0 all passed, 1 some failed. Anything else is no result.
MEANINGFUL_EXIT_CODES = (0, 1)


@dataclass(frozen=True)
class Judgement:
    """`invalid` says why the run is no result, or is ""; `differences` lists what is not as
    documented, a sentence each."""

    invalid: str
    differences: tuple[str, ...]

    @property
    def as_documented(self) -> bool:
        """Did exactly the documented tests fail, with the documented kinds?"""
        return not self.invalid and not self.differences


def judge(run: Run, side: Side, manifest: Manifest) -> Judgement:
    invalid = why_invalid(run, manifest)
    tests = () if invalid else manifest.nodeids
    differences = (difference(run.tests[nodeid], side) for nodeid in tests)
    return Judgement(invalid, tuple(filter(None, differences)))


def why_invalid(run: Run, manifest: Manifest) -> str:
    """Why the run says nothing about event loops; "" if it does."""
    if run.stopped:
        return run.stopped
    if run.collection_errors:
        return "not every test file could be collected: " + "; ".join(run.collection_errors)
    if not run.tests:
        # Its first ERROR line says what it stumbled over; its last words may be about the end only.
        first, last = run.first_error, run.last_words
        words = last if first in last else " | ".join(filter(None, (first, last)))
        return f"pytest ran no test (exit code {run.exit_code})" + (f": {words}" if words else "")
    if run.exit_code not in MEANINGFUL_EXIT_CODES:
        return f"pytest ended with exit code {run.exit_code}, which is neither passed nor failed"
    unreached = [
        f"{test.nodeid}: {test.error.message[:200]}"
        for test in run.tests.values()
        if test.error and test.error.kind == "infrastructure"
    ]
    if unreached:
        return f"{len(unreached)} tests met no working server; {unreached[0]}"
    failed = any(test.outcome in ("failed", "error") for test in run.tests.values())
    if failed != (run.exit_code == 1):
        return f"pytest's exit code {run.exit_code} does not fit the outcomes of its tests"
    lacking = [nodeid for nodeid in manifest.nodeids if nodeid not in run.tests]
    unknown = [nodeid for nodeid in run.tests if nodeid not in manifest.nodeids]
    if lacking:
        return f"{len(lacking)} documented tests did not run, {lacking[0]} among them"
    if unknown:
        return f"{len(unknown)} tests are not in remedies.toml, {unknown[0]} among them"
    return ""


def outcome_of(test: Test) -> Outcome:
    """The test's outcome; one that passed only after it had failed is flaky."""
    if test.outcome == "passed" and test.reruns:
        return "flaky"
    after_it = test.outcome == "error" and test.phase == "teardown"
    return "failed_in_teardown" if after_it else test.outcome


def difference(test: Test, side: Side) -> str | None:
    """How one test differs from what is documented; None if it does not."""
    expected = side.documented[test.nodeid]
    want = (expected.outcome, expected.kind, expected.driver)
    got = (outcome_of(test), test.kind, test.driver)
    if got == want:
        return None
    return f"{test.nodeid}: documented {in_words(*want)}, was {in_words(*got)}"


def in_words(outcome: Outcome, kind: Kind | None, driver: str | None) -> str:
    """ "failed, attached to a different loop (motor)"."""
    words = OUTCOMES[outcome].word + (f", {KINDS[kind].message}" if kind else "")
    return f"{words} ({driver})" if driver else words


def failures_by_driver(run: Run) -> dict[str, int]:
    """{driver: failing tests}, for the failures that are some loop's doing."""
    failing = (test for test in run.tests.values() if test.outcome in ("failed", "error"))
    return dict(Counter(test.driver or "no driver" for test in failing))
