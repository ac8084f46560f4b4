"""What a remedy did to each test, against the broken side. Pure: two runs in, a grade out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from scripts.run.model import Run, Test
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.documented import Judgement

CLASSES = ("FAIL_TO_PASS", "FAIL_TO_FAIL", "PASS_TO_PASS", "PASS_TO_FAIL")
# The same in a reader's words.
WORDS = {
    "FAIL_TO_PASS": "cured",
    "FAIL_TO_FAIL": "still fails",
    "PASS_TO_PASS": "still passes",
    "PASS_TO_FAIL": "broke",
    "flaky": "flaky",
    "flipped": "flipped",
    "not_on_both": "not on both",
}
FULL, PARTIAL, NO, INVALID = "RESOLVED_FULL", "RESOLVED_PARTIAL", "RESOLVED_NO", "INVALID"


@dataclass(frozen=True)
class Grade:
    """A remedy's grade; `classes` maps each class to its node ids.

    `failing_before` is how many of the tests failed on broken/.

    `flaky` tests failed and then passed on a rerun: never cured. `flipped` ones changed because the
    pre-ping's alternation began on the other foot, not because of the remedy.
    """

    side: str
    failing_before: int
    classes: dict[str, tuple[str, ...]]
    not_on_both: tuple[str, ...]
    flaky: tuple[str, ...]
    flipped: tuple[str, ...]
    verdict: str
    per_group: dict[str, str]
    as_documented: bool
    invalid: str = ""

    def of(self, nodeid: str) -> str:
        """The class of one test, or "flaky", "flipped", "not_on_both"."""
        for name in ("flaky", "flipped", "not_on_both"):
            if nodeid in getattr(self, name):
                return name
        return next(name for name in CLASSES if nodeid in self.classes[name])

    def to_data(self) -> dict[str, Any]:
        """The content of `results/compare/<side>.json`."""
        data = asdict(self)
        return {"side": data.pop("side"), **data.pop("classes"), **data}


def grade(broken: Run, fixed: Run, side: Side, manifest: Manifest, judgement: Judgement) -> Grade:
    """Compare test by test. `judgement` is the fixed run's, held against the manifest."""
    both = [nodeid for nodeid in broken.tests if nodeid in fixed.tests]
    one = sorted(broken.tests.keys() ^ fixed.tests.keys())
    flaky = tuple(nodeid for nodeid in both if is_flaky(fixed.tests[nodeid]))
    flipped = tuple(
        nodeid
        for nodeid in both
        if nodeid not in flaky
        and failing(broken.tests[nodeid]) != failing(fixed.tests[nodeid])
        and nodeid in manifest.nodeids
        and side.documented(nodeid).alternation
    )
    classes: dict[str, list[str]] = {name: [] for name in CLASSES}
    for nodeid in both:
        if nodeid not in flipped and nodeid not in flaky:
            classes[class_of(broken.tests[nodeid], fixed.tests[nodeid])].append(nodeid)
    found = {name: tuple(nodeids) for name, nodeids in classes.items()}
    if judgement.invalid:
        per_group = {group: INVALID for group in ("mongo", "postgres")}
        verdict = INVALID
    else:
        per_group = {
            group: verdict_of(found, flaky + flipped, set(manifest.tests[group]))
            for group in ("mongo", "postgres")
        }
        verdict = verdict_of(found, flaky + flipped, set(both))
    expected = {"overall": verdict, **per_group}
    documented = side.verdict.model_dump() if side.verdict else expected
    return Grade(
        side=fixed.side,
        failing_before=sum(failing(broken.tests[nodeid]) for nodeid in both),
        classes=found,
        not_on_both=tuple(one),
        flaky=flaky,
        flipped=flipped,
        verdict=verdict,
        per_group=per_group,
        as_documented=judgement.as_documented and not one and documented == expected,
        invalid=judgement.invalid,
    )


def failing(test: Test) -> bool:
    """Did the test not do its work: failed, ended in an error of setup or teardown, or skipped?

    A skipped test checks nothing, so it counts as failing: skipping is not a cure.
    """
    return test.outcome != "passed"


def is_flaky(test: Test) -> bool:
    """Did it pass only after it had failed?"""
    return test.outcome == "passed" and test.reruns > 0


def class_of(before: Test, after: Test) -> str:
    """FAIL_TO_PASS and so on."""
    names = {True: "FAIL", False: "PASS"}
    return f"{names[failing(before)]}_TO_{names[failing(after)]}"


def verdict_of(
    classes: dict[str, tuple[str, ...]], uncertain: tuple[str, ...], nodeids: set[str]
) -> str:
    """FULL: all that failed is cured and nothing broke; PARTIAL: something is cured; else NO."""
    cured = nodeids & set(classes["FAIL_TO_PASS"])
    bad = nodeids & {*classes["FAIL_TO_FAIL"], *classes["PASS_TO_FAIL"], *uncertain}
    if not cured:
        return NO
    return PARTIAL if bad else FULL
