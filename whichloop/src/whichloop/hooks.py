"""pytest's hooks during a session: they say who is at work, and ask for explanations."""

import json
import sys
from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from whichloop import hangs, strict
from whichloop.auditing import Audit
from whichloop.background import Background
from whichloop.diagnose.explain import explain, is_told
from whichloop.fixtures import Fixtures
from whichloop.hangs import Limits
from whichloop.observe import frames, peek
from whichloop.observe.probes.registry import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.output import Output
from whichloop.present.foreseen import FORMS
from whichloop.present.section import NARROWEST, WIDEST, Groups, one_line, title, told
from whichloop.recording import finding_of, plain
from whichloop.records import HUNG, Actor, Finding
from whichloop.refused import Refused

TITLE = "whichloop"
_COROUTINE = "PytestAsyncioFunction"  # the class of its items, from 0.23 on


def _scope_of(item: pytest.Item) -> str | None:
    """The loop scope of a test that pytest-asyncio runs as a coroutine; None for any other."""
    marker, settings = item.get_closest_marker("asyncio"), TRACKER.settings
    names = {kind.__name__ for kind in type(item).__mro__}
    if marker is None or (settings.asyncio_version >= (0, 23) and _COROUTINE not in names):
        return None
    given = [marker.kwargs.get(name) for name in ("loop_scope", "scope")]
    return next((scope for scope in given if type(scope) is str), settings.test_loop_scope)


def _clean(call: pytest.CallInfo[None]) -> None:
    """A traceback reads as it does without us."""
    if call.excinfo is not None:
        with TRACKER.guarded("tracebacks"):
            frames.without_ours(call.excinfo.value)


class Hooks:
    """The hooks of ``explain`` and of the audit."""

    def __init__(self, config: pytest.Config) -> None:
        self.config: Any = config
        self.audit = Audit()
        self.output = Output(config)
        self.fixtures = Fixtures()
        self.findings: list[Finding] = []
        self.groups = Groups()
        self.properties: list[tuple[str, str]] = []  # of the test that runs
        self.finding: Finding | None = None  # of the phase that has just ended
        self.background = Background(self._explain)
        self.item: pytest.Item | None = None  # that runs, or ran last
        self.limits = Limits(config, self._of_hang)
        self.audited: list[str] = []
        self.refused = Refused()

    def pytest_sessionstart(self) -> None:
        self.background.errors.install()
        self.limits.install()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        scene = TRACKER.scene
        around = scene.during, scene.hooks[:]  # of a test that runs a session of its own
        scene.during, scene.hooks[:] = item.nodeid, [Actor("test", item.nodeid)]
        TRACKER.crossings.clear()
        TRACKER.loops.ran_here.clear()
        TRACKER.loops.hung.clear()
        self.background.test_begins()
        self.item = item
        self.limits.test_begins()
        try:
            return (yield)
        finally:
            self.limits.test_ends()
            scene.during, scene.hooks[:] = around

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: Any) -> None:
        with TRACKER.guarded("names of loop factories"):
            self.fixtures.note_factories(metafunc)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        self.fixtures.set_up(fixturedef, request)
        hooks = TRACKER.scene.hooks
        hooks.append(self.fixtures.actor(fixturedef))
        try:
            return (yield)
        finally:
            hooks.pop()

    def _explain(
        self,
        error: BaseException,
        during: str,
        phase: str,
        text: str = "",
        item: pytest.Item | None = None,
    ) -> Finding | None:
        """``text`` is what was logged with the error."""
        with TRACKER.guarded("explanations"):
            is_said = partial(is_told, text=text)
            values = partial(self.fixtures.values, item)
            failure, recording = TRACKER.evidence(
                error, during, phase, REGISTRY.objects_in, is_said, values
            )
            if item is not None:
                failure = failure._replace(test_scope=_scope_of(item))
                if frames.is_hang(error):
                    failure, recording = hangs.looked_at(error, failure, recording, values())
            return explain(recording, failure.saying(text))
        return None

    def _of_hang(self, error: BaseException) -> Finding | None:
        """What the test that runs, or ran last, waits for, where no report is made of that."""
        node = self.item.nodeid if self.item is not None else ""
        return self._explain(error, node, "call", "", self.item)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        finding = self._of_hang(excinfo.value)
        if finding is not None:
            self.findings.append(finding)
            self.groups.add(finding)

    # The common case is a test that passes: two plain hooks cost less than one wrapper.
    # Not tryfirst: pytest's own hook for unittest puts the exception in its place before.
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Explain what a phase ended with, for the report that is about to be made."""
        self.finding = None
        _clean(call)
        # A skip is an exception too, and no failure.
        if call.excinfo is not None and not issubclass(call.excinfo.type, pytest.skip.Exception):
            error = call.excinfo.value
            self.finding = self._explain(error, item.nodeid, call.when, "", item)
            told = self.finding
            # An assertion may quote another error: that one knows more.
            if told is None or told.message == HUNG or issubclass(type(error), AssertionError):
                with TRACKER.guarded("explanations"):
                    self.finding = self.background.behind(told, error, item.nodeid, call.when)
            if call.when == "setup":
                with TRACKER.guarded("explanations"):
                    self.finding = self.refused.seen(self.finding, error, item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        finding, self.finding = self.finding, None
        if report.failed:
            with TRACKER.guarded("explanations"):
                self._attach(report, finding)
        if report.when == "teardown":  # of which --junitxml writes the properties
            report.user_properties += self.properties
            self.properties.clear()
        if TRACKER.crossings and (report.when != "setup" or not report.passed):
            TRACKER.crossings.clear()

    def _attach(self, report: Any, finding: Finding | None) -> None:
        """One line under the failure; the cause is told at the end, once for all that it failed."""
        if finding is not None:
            self.findings.append(finding)
            self.properties.append((TITLE, f"{finding.code} {finding.cause}: {finding.sentence}"))
        elif hasattr(report, "whichloop"):  # which a worker of pytest-xdist has sent
            finding = finding_of(report.whichloop)
        if finding is None:
            return
        if hasattr(self.config, "workeroutput"):
            report.whichloop = json.dumps(plain(finding))
            return
        line = one_line(finding, self.groups.add(finding).number)
        if isinstance(report.longrepr, str):
            report.longrepr += f"\n{line}"
        elif hasattr(report.longrepr, "reprtraceback"):
            traceback = report.longrepr.reprtraceback
            traceback.extraline = "\n".join(filter(None, [traceback.extraline, line]))
        else:
            report.sections.append((TITLE, line))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        broken = session.testsfailed and not session.config.option.continue_on_collection_errors
        form = self.config.getoption("whichloop_audit")
        if broken or form is None:
            return None
        findings = self.audit.findings(session.items)
        self.audited = FORMS[form](findings, len(session.items))
        if any(finding.sure for finding in findings):
            session.testsfailed = 1
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        self.output.worker_ended(node)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.background.errors.uninstall_logging()
        self.limits.uninstall()
        if TRACKER.recording:
            with TRACKER.guarded("recording"):
                self.output.finish((*self.findings, *self.background.findings))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        section, line = terminalreporter.section, terminalreporter.write_line
        off = TRACKER.switched_off
        warnings = [f"probe {probe} switched off: {error}" for probe, error in off.items()]
        warnings += self.output.unwritten
        if self.audited and self.config.getoption("whichloop_audit") == "json":
            line("\n".join(self.audited))
            for text in warnings:
                print(f"whichloop: warning: {text}", file=sys.stderr)
            return
        width = min(max(self.config.get_terminal_writer().fullwidth, NARROWEST), WIDEST)
        if self.groups:
            section(title(self.groups), sep="-")
        for group in self.groups:
            for text in told(group, self.groups, width):
                line(text, green=text.startswith("Cure"))
            line("")
        if self.audited:
            section("whichloop audit", sep="-")
            line("\n".join(self.audited))
        for at, text in enumerate(self.background.told()):
            if at == 0:
                section("whichloop: errors that were only logged", sep="-")
            line(text)
        for text in warnings:
            line(f"whichloop: warning: {text}", yellow=True)
        for text in self.output.written:
            line(text)

    def after_everything(self) -> None:
        """The last clean-up of the session: errors of finalizers that ran after the summary."""
        self.background.errors.uninstall()
        if not hasattr(self.config, "workerinput"):  # which its controller ends
            hangs.watch_exit()
        form = self.config.getoption("whichloop_audit")
        # Where pytest refuses its configuration, it ends before the audit: what of it is ours?
        if form and not self.audited:
            findings = self.audit.refused()
            for text in FORMS[form](findings, 0) if findings else ():
                print(text)
        texts = list(self.background.told())
        if texts:
            print("whichloop: errors raised at exit", *texts, sep="\n", file=sys.stderr)


class ThoroughHooks(Hooks):
    """The hooks of ``strict`` and of a recording, which look at tests that pass, too."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.is_strict = config.getoption("whichloop") == "strict"
        self.strict = strict.Strict()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        _clean(call)
        report = yield
        super().pytest_runtest_makereport(item, call)
        if report.when != "teardown":
            self.strict.ended = strict.ENDED[report.outcome]
        if report.passed and self.is_strict:
            with TRACKER.guarded("strict"):
                module = peek.attributes(getattr(item, "module", None))
                values = [held for _, held in self.fixtures.values(item)]
                self.finding = self.strict.held(item, report, [*values, module], _scope_of(item))
        if TRACKER.recording and report.when == "call":
            # The outcome belongs to the loop of the test's body: the last that it ran on so far.
            for at in reversed(range(len(TRACKER.ran))):
                ran = TRACKER.ran[at]
                if (ran.kind, ran.name, ran.outcome) == ("test", report.nodeid, None):
                    TRACKER.ran[at] = ran._replace(outcome=report.outcome)
                    break
        return report
