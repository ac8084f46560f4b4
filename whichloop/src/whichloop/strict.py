"""What strict mode makes of a phase that passed."""

from typing import Any

import pytest

from whichloop.diagnose.case import Case
from whichloop.diagnose.causes import TEARDOWN
from whichloop.diagnose.explain import explain_crossing, explain_left_open
from whichloop.observe import callbacks
from whichloop.observe.left_open import left_open
from whichloop.observe.tracker import TRACKER
from whichloop.records import Actor, Finding

ENDED = {"passed": "passed, but", "skipped": "was skipped, but", "failed": "failed, and"}

NAMED = 3  # of the tests for which an error stands, too


class Strict:
    """``ended`` is how the present test did, in words."""

    def __init__(self) -> None:
        self.ended = ""
        self._futures: list[tuple[Any, int]] = []  # pending as the test's call began

    def held(
        self,
        item: pytest.Item,
        report: pytest.TestReport,
        values: list[Any],
        test_scope: str | None,
    ) -> Finding | None:
        """Fail the phase if something crossed or was left open; say what has ended how, who did
        what meanwhile, and for which other tests that stands. ``values`` are what fixtures and the
        test's module hold."""
        if report.when == "call":
            callbacks.added(self._futures)
        self._futures = callbacks.pending(values) if report.when == "setup" else []
        return _held(item, report, self.ended, test_scope)


def _held(
    item: pytest.Item, report: pytest.TestReport, ended: str, test_scope: str | None
) -> Finding | None:
    node, when, others = report.nodeid, report.when or "", ""
    so_far = "could be set up, but" if when == "setup" else ended
    if TRACKER.crossings:
        TRACKER.find_owners([TRACKER.crossings[-1][0]], [])
        recording = TRACKER.snapshot()
        use = recording.crossings[-1]
        finding = explain_crossing(recording, use, when, test_scope)
        by, did = use.by, "used an object on another event loop than its own"
        if finding.cause == TEARDOWN.name:
            did = "closed on another event loop what the test had left open"
        elif by.kind == "fixture" and when == "setup" and by.caching_scope != "function":
            asking = [other.nodeid for other in item.session.items if by.name in _names_of(other)]
            others = _listed("; it was set up for", [name for name in asking if name != node])
    elif when == "teardown" and (left := left_open()):
        finding = explain_left_open(Case(TRACKER.settings, *left[0]), node)
        by, did = left[0][0].bound_by, "left a connection on a closed event loop"
        also = dict.fromkeys(str(record.bound_by) for record, _ in left)
        others = _listed("; so did", [name for name in also if name != str(by)])
    else:
        return None
    report.outcome = "failed"
    own = by.kind in ("unknown", "code") or by == Actor("test", node)
    report.longrepr = f"whichloop (strict): {node} {so_far} {'' if own else f'{by} '}{did}{others}"
    return finding


def _names_of(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def _listed(words: str, names: list[str]) -> str:
    """The first few of other tests, which get no error of their own."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{words} {', '.join(names[:NAMED])}{more}" if names else ""
