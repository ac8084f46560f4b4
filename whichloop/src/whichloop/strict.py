"""What strict mode makes of a phase that passed."""

import pytest

from whichloop.diagnose.case import Case
from whichloop.diagnose.causes import TEARDOWN
from whichloop.diagnose.explain import explain_crossing, explain_left_open
from whichloop.observe.left_open import left_open
from whichloop.observe.tracker import TRACKER
from whichloop.records import Actor, Finding

ENDED = {"passed": "passed, but", "skipped": "was skipped, but", "failed": "failed, and"}


def held(report: pytest.TestReport, ended: str, test_scope: str | None) -> Finding | None:
    """Fail the phase if something crossed or was left open; say what has ended how (``ended``: the
    test), and who did what meanwhile."""
    node, when = report.nodeid, report.when or ""
    so_far = "could be set up, but" if when == "setup" else ended
    if TRACKER.crossings:
        recording = TRACKER.snapshot()
        use = recording.crossings[-1]
        finding = explain_crossing(recording, use, when, test_scope)
        by, did = use.by, "used an object on another event loop than its own"
        if finding.cause == TEARDOWN.name:
            did = "closed on another event loop what the test had left open"
    elif when == "teardown" and (left := left_open()):
        finding = explain_left_open(Case(TRACKER.settings, *left[0]), node)
        by, did = left[0][0].bound_by, "left a connection on a closed event loop"
    else:
        return None
    report.outcome = "failed"
    own = by.kind in ("unknown", "code") or by == Actor("test", node)
    report.longrepr = f"whichloop (strict): {node} {so_far} {'' if own else f'{by} '}{did}"
    return finding
