"""Hold a run against what is documented (judge), and against the run of broken/ (grade).

Pure: runs and a manifest in, a judgement or a grade out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from scripts.run.model import Run, Test
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.words import KINDS, OUTCOMES, VERDICTS, Change, Group, Kind, Outcome, Verdict

# pytest's exit codes: 0 all passed, 1 some failed. Anything else is no result.
MEANINGFUL_EXIT_CODES = (0, 1)
GROUPS: tuple[Group, ...] = get_args(Group)
# How many of the failing tests are cured: of a group's, and "overall".
Verdicts = dict[str, Verdict]


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
    known = set(manifest.nodeids)
    unknown = [nodeid for nodeid in run.tests if nodeid not in known]
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


@dataclass(frozen=True)
class Grade:
    """A remedy's grade: what became of each test, and how many of the failing ones it cures.

    `failing_before` counts the tests that fail on broken/. `changes` has every node id that ran on
    either side; a test that fails and passes on a rerun is flaky and never cured. `invalid` and
    `differences` are those of the run's Judgement.
    """

    side: str
    failing_before: int
    changes: dict[str, Change]
    verdicts: Verdicts
    as_documented: bool
    invalid: str
    differences: tuple[str, ...]

    def having(self, change: Change) -> list[str]:
        return [nodeid for nodeid, happened in self.changes.items() if happened == change]

    def to_data(self) -> dict[str, Any]:
        """An entry of `compare --json`."""
        tests = {change.lower(): self.having(change) for change in get_args(Change)}
        return {
            "side": self.side,
            "verdict": self.verdicts["overall"],
            "per_group": {group: self.verdicts[group] for group in GROUPS},
            **tests,
            "as_documented": self.as_documented,
            "invalid": self.invalid,
        }


def grade(broken: Run, fixed: Run, side: Side, manifest: Manifest) -> Grade:
    """Compare test by test, and hold the fixed run against the manifest."""
    judgement = judge(fixed, side, manifest)
    changes: dict[str, Change] = {}
    for nodeid in {**broken.tests, **fixed.tests}:
        if nodeid in broken.tests and nodeid in fixed.tests:
            before, after = broken.tests[nodeid], fixed.tests[nodeid]
            changes[nodeid] = change_of(outcome_of(before), outcome_of(after))
        else:
            changes[nodeid] = "not_on_both"
    verdicts = verdicts_of(changes, manifest)
    if judgement.invalid:
        verdicts = dict.fromkeys(verdicts, "INVALID")
    return Grade(
        side=fixed.side,
        failing_before=sum(test.outcome != "passed" for test in broken.tests.values()),
        changes=changes,
        verdicts=verdicts,
        as_documented=judgement.as_documented and verdicts == documented_verdicts(side, manifest),
        invalid=judgement.invalid,
        differences=judgement.differences,
    )


def documented_verdicts(side: Side, manifest: Manifest) -> Verdicts:
    """What the documented outcomes amount to, against those of broken/."""
    broken = manifest.get("broken")
    changes = {
        nodeid: change_of(broken.documented[nodeid].outcome, side.documented[nodeid].outcome)
        for nodeid in manifest.nodeids
    }
    return verdicts_of(changes, manifest)


def amounts(verdicts: Verdicts) -> list[str]:
    """["all", "some"]: how many of Motor's and of Postgres's failing tests are cured."""
    return [VERDICTS[verdicts[group]] for group in GROUPS]


def verdicts_of(changes: Mapping[str, Change], manifest: Manifest) -> Verdicts:
    tests: dict[str, Iterable[str]] = {"overall": changes}
    tests |= {group: manifest.tests[group] for group in GROUPS}
    return {
        name: verdict_of(changes[nodeid] for nodeid in nodeids if nodeid in changes)
        for name, nodeids in tests.items()
    }


def change_of(before: Outcome, after: Outcome) -> Change:
    """From one outcome to another. What is not a clean pass counts as failing: an error of setup or
    teardown, and a skip, too, for a test that is skipped checks nothing."""
    if after == "flaky":
        return "flaky"
    if before == "passed":
        return "PASS_TO_PASS" if after == "passed" else "PASS_TO_FAIL"
    return "FAIL_TO_PASS" if after == "passed" else "FAIL_TO_FAIL"


def verdict_of(changes: Iterable[Change]) -> Verdict:
    """FULL: all that failed is cured and nothing broke; PARTIAL: something is cured; else NO."""
    kinds = set(changes)
    if "FAIL_TO_PASS" not in kinds:
        return "RESOLVED_NO"
    whole = kinds <= {"FAIL_TO_PASS", "PASS_TO_PASS"}
    return "RESOLVED_FULL" if whole else "RESOLVED_PARTIAL"
