"""The hooks of ``strict`` and of a recording, which look at tests that pass, too."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from whichloop.hooks import Hooks
from whichloop.observe.tracker import TRACKER

if TYPE_CHECKING:
    from whichloop.records import Finding


class ThoroughHooks(Hooks):
    """The hooks of ``strict`` and of a recording, which look at tests that pass, too."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.strict = config.getoption("whichloop") == "strict"

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, None]:
        outcome = yield
        self.look(item, call)
        rep: pytest.TestReport = outcome.get_result()
        if self.strict and rep.passed:
            with TRACKER.guarded("strict"):
                self._strict(rep)
        if self.keep and rep.when == "call":
            self._outcome(item, rep)

    def _strict(self, rep: pytest.TestReport) -> None:
        found: list[Finding] = []
        if TRACKER.crossings:
            from whichloop.diagnose.explain import explain_crossing

            recording = TRACKER.snapshot()
            last = recording.crossings[-1]
            found.append(explain_crossing(recording, last, rep.when or ""))
        elif rep.when == "teardown":
            from whichloop.observe.stale import stale_findings

            found.extend(stale_findings(rep.nodeid))
        if not found:
            return
        from whichloop.present.section import render

        finding = found[0]
        if self.keep:
            self.findings.append(finding)
        what = (
            "passed, but left a connection on a closed event loop"
            if finding.using_loop is None
            else "passed, but used an object on another event loop than its own"
        )
        rep.outcome = "failed"
        rep.longrepr = f"whichloop (strict): {rep.nodeid} {what}\n\n{render(finding)}"

    def _outcome(self, item: pytest.Item, rep: pytest.TestReport) -> None:
        for at in range(len(TRACKER.ran) - 1, -1, -1):
            one = TRACKER.ran[at]
            if one.kind == "test" and one.name == item.nodeid and one.outcome is None:
                TRACKER.ran[at] = replace(one, outcome=rep.outcome)
                return
