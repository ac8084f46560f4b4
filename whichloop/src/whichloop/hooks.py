"""pytest's hooks during a session: they say who is at work, and ask for explanations."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from whichloop.audit import audit, loop_scope_of_fixture, report
from whichloop.diagnose.causes import CAUSES
from whichloop.diagnose.explain import explain, explain_crossing, explain_left_open
from whichloop.observe import peek
from whichloop.observe.background_errors import BackgroundErrors
from whichloop.observe.left_open import left_open
from whichloop.observe.probes.registry import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.present import summary
from whichloop.present.section import render
from whichloop.recording import of_text, of_worker, to_json, write
from whichloop.records import Actor, Finding, Recording

TITLE = "whichloop"
# A suite whose every test logs an error says so often enough with these.
MAX_BACKGROUND = 200


class Hooks:
    """What every mode has; how it sees the end of a phase is its subclasses' own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.auditing = bool(config.getoption("whichloop_audit"))
        self.path = config.getoption("whichloop_record")
        self.settings = TRACKER.settings
        self.actors: dict[tuple[Any, str], Actor] = {}
        self.keep = TRACKER.recording
        self.findings: list[Finding] = []
        self.finding: Finding | None = None  # of the phase that has just ended
        self.background: list[Finding] = []
        self.background_shown = 0
        self.background_more = 0
        self.audited: list[str] = []
        self.unwritten = ""
        self.workers: list[Recording] = []
        self.errors = BackgroundErrors(self._in_background)

    # -- who is at work -------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        self.errors.install()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        scene = TRACKER.scene
        around = scene.during, scene.hooks[:]  # of a test that runs a session of its own
        scene.during = item.nodeid
        scene.hooks[:] = [Actor("test", item.nodeid)]
        TRACKER.crossings.clear()
        TRACKER.loops.ran_here.clear()
        try:
            return (yield)
        finally:
            scene.during, scene.hooks[:] = around

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        hooks = TRACKER.scene.hooks
        hooks.append(self._fixture(fixturedef))
        try:
            return (yield)
        finally:
            hooks.pop()

    def _fixture(self, fixturedef: Any) -> Actor:
        function = peek.function_of(fixturedef.func)
        code = function.__code__ if function is not None else None
        # Not by code alone: pytest-asyncio makes its runner fixtures from one function.
        key = (code, fixturedef.argname)
        actor = self.actors.get(key)
        if actor is None:
            loop_scope = None
            with TRACKER.guarded("loop scopes of fixtures"):
                loop_scope = loop_scope_of_fixture(fixturedef, self.settings)
            actor = Actor("fixture", fixturedef.argname, str(fixturedef.scope), loop_scope)
            if function is not None:
                self.actors[key] = actor
                if "pytest_asyncio" not in (function.__module__ or ""):
                    TRACKER.scene.fixtures[function.__code__] = actor
        return actor

    # -- explanations ---------------------------------------------------------------------

    def _explain(self, error: BaseException, during: str, phase: str) -> Finding | None:
        with TRACKER.guarded("explanations"):
            failure, recording = TRACKER.evidence(error, during, phase, REGISTRY.objects_in)
            return explain(recording, failure)
        return None

    def look(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Explain what a phase ended with, for the report that is about to be made."""
        self.finding = None
        # A skip is an exception too, and no failure.
        if call.excinfo is not None and not issubclass(call.excinfo.type, pytest.skip.Exception):
            self.finding = self._explain(call.excinfo.value, item.nodeid, call.when)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.finding is not None:
            finding, self.finding = self.finding, None
            if report.failed:
                with TRACKER.guarded("explanations"):
                    self._attach(report, finding)
        if TRACKER.crossings and (report.when != "setup" or not report.passed):
            TRACKER.crossings.clear()

    def _attach(self, rep: pytest.TestReport, finding: Finding) -> None:
        if self.keep:
            self.findings.append(finding)
        text = render(finding)
        longrepr: Any = rep.longrepr
        if hasattr(longrepr, "addsection"):
            longrepr.addsection(TITLE, text, "-")
        else:
            rep.sections.append((TITLE, text))

    def _in_background(self, error: BaseException, where: str) -> None:
        finding = self._explain(error, TRACKER.scene.during, where)
        if finding is not None and CAUSES[finding.cause].about_loops:
            if len(self.background) < MAX_BACKGROUND:
                self.background.append(finding)
            else:
                self.background_more += 1

    # -- audit ----------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not self.auditing:
            return None
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None
        entries = audit(session.items, self.settings)
        self.audited = report(entries, len(session.items))
        if any(entry.kind != "note" for entry in entries):
            session.testsfailed = 1
        return True

    # -- the end --------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        output = getattr(node, "workeroutput", None) or {}
        if "whichloop" in output:
            with TRACKER.guarded("recording"):
                (recording,) = of_text(output["whichloop"])
                self.workers.append(of_worker(recording, node.gateway.id))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.errors.uninstall_logging()
        if not self.keep:
            return
        with TRACKER.guarded("recording"):
            findings = (*self.findings, *self.background)
            recording = TRACKER.whole()._replace(findings=findings)
            output = getattr(self.config, "workeroutput", None)
            if output is not None:
                output["whichloop"] = json.dumps(to_json([recording]))
            elif self.path:
                workers = sorted(self.workers, key=lambda part: part.worker)
                self.unwritten = write(Path(self.path), [recording, *workers])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        self.background_shown = len(self.background)
        for text, style in (
            *summary.audited(self.audited),
            *summary.only_logged(self.background, self.background_more),
            *summary.warnings(TRACKER.switched_off, self.path, self.unwritten),
        ):
            if style == "title":
                terminalreporter.section(text, sep="-")
            else:
                terminalreporter.write_line(text, yellow=style == "warning")

    def after_everything(self) -> None:
        """The last clean-up of the session: errors of finalizers that ran after the summary."""
        self.errors.uninstall()
        for text in summary.raised_at_exit(self.background[self.background_shown :]):
            print(text, file=sys.stderr)


class ExplainHooks(Hooks):
    """The hooks of ``explain``."""

    # The common case is a test that passes: two plain hooks cost less than one wrapper.
    # Not tryfirst: pytest's own hook for unittest puts the exception in its place before.
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        self.look(item, call)


class ThoroughHooks(Hooks):
    """The hooks of ``strict`` and of a recording, which look at tests that pass, too."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.strict = config.getoption("whichloop") == "strict"

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        rep = yield
        self.look(item, call)
        if self.strict and rep.passed:
            with TRACKER.guarded("strict"):
                self._hold_to_strict(rep)
        if self.keep and rep.when == "call":
            self._note_outcome(item, rep)
        return rep

    def _hold_to_strict(self, rep: pytest.TestReport) -> None:
        if TRACKER.crossings:
            recording = TRACKER.snapshot()
            finding = explain_crossing(recording, recording.crossings[-1], rep.when or "")
            what = "used an object on another event loop than its own"
        else:
            left = left_open() if rep.when == "teardown" else []
            if not left:
                return
            finding = explain_left_open(self.settings, *left[0], rep.nodeid)
            what = "left a connection on a closed event loop"
        if self.keep:
            self.findings.append(finding)
        text = render(finding)
        rep.outcome = "failed"
        rep.longrepr = f"whichloop (strict): {rep.nodeid} passed, but {what}\n\n{text}"

    @staticmethod
    def _note_outcome(item: pytest.Item, rep: pytest.TestReport) -> None:
        for at in range(len(TRACKER.ran) - 1, -1, -1):
            ran = TRACKER.ran[at]
            if ran.kind == "test" and ran.name == item.nodeid and ran.outcome is None:
                TRACKER.ran[at] = ran._replace(outcome=rep.outcome)
                return
