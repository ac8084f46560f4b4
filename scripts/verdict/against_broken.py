"""What a remedy did to each test, against the broken side. Pure: two runs in, a grade out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from scripts.run.model import Run
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.documented import judge, outcome_of
from scripts.verdict.words import VERDICTS, Change, Group, Outcome, Verdict

GROUPS: tuple[Group, ...] = get_args(Group)
# How many of the failing tests are cured: of a group's, and "overall".
Verdicts = dict[str, Verdict]


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
        as_documented=judgement.as_documented
        and "not_on_both" not in changes.values()
        and verdicts == documented_verdicts(side, manifest),
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
