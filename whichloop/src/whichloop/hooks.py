"""pytest's hooks during a session: they say who is at work, and ask for explanations."""

import gc
import json
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from whichloop import hangs, strict
from whichloop.audit import audit, has_own_loop_scope, loop_scope_of_fixture, overrides, plan
from whichloop.background import Background
from whichloop.calls import foresee_calls
from whichloop.diagnose.explain import explain, is_told
from whichloop.foresee import foresee
from whichloop.hangs import Limits
from whichloop.observe import frames, peek
from whichloop.observe.named import Names
from whichloop.observe.probes.registry import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.options import foresee_half, unknown
from whichloop.present.foreseen import FORMS
from whichloop.present.html import html_page
from whichloop.present.section import NARROWEST, WIDEST, Groups, one_line, title, told
from whichloop.recording import as_text, finding_of, merged, of_json, plain, to_json, write
from whichloop.records import HUNG, Actor, Finding, Site
from whichloop.refused import Refused

TITLE = "whichloop"
_FACTORY = "_asyncio_loop_factory"  # the fixture whose parameter is one, from 1.4 on
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


def factories_of(metafunc: Any) -> dict[int, tuple[Any, str]]:
    """pytest-asyncio's loop factories by id, with their names: a test's first parameter, which
    pytest hides where there is but one."""
    calls = [call for call in metafunc._calls if _FACTORY in call.params]
    if not any(call.indices[_FACTORY] for call in calls):
        return {}
    made_by = [(call.params[_FACTORY], call._idlist[0]) for call in calls]
    return {id(factory): (factory, name) for factory, name in made_by}


class Hooks:
    """The hooks of ``explain`` and of the audit."""

    def __init__(self, config: pytest.Config) -> None:
        self.config: Any = config
        # pytest-asyncio's, as the configuration has them, and where they stand.
        self.options: dict[str, str] = {}
        self.places: dict[str, Site | None] = {}
        self.path = config.getoption("whichloop_record")
        self.html = config.getoption("whichloop_html")
        self.actors: dict[tuple[Any, str], Actor] = {}
        self.factories: dict[int, tuple[Any, str]] = {}  # of loops, by id: itself, and its name
        self.findings: list[Finding] = []
        self.groups = Groups()
        self.properties: list[tuple[str, str]] = []  # of the test that runs
        self.finding: Finding | None = None  # of the phase that has just ended
        self.background = Background(self._explain)
        self.item: pytest.Item | None = None  # that runs, or ran last
        self.limits = Limits(config, self._of_hang)
        self.audited: list[str] = []
        self.written: list[str] = []
        self.unwritten: list[str] = []
        self.refused = Refused()
        self.workers: dict[str, dict[str, Any]] = {}

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
        if _FACTORY in metafunc.fixturenames:
            with TRACKER.guarded("names of loop factories"):
                self.factories |= factories_of(metafunc)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        if fixturedef.argname == _FACTORY:
            factory = getattr(request, "param", None)
            TRACKER.loops.factory = self.factories.get(id(factory), (factory, ""))[1]
        hooks = TRACKER.scene.hooks
        hooks.append(self._fixture(fixturedef))
        try:
            return (yield)
        finally:
            hooks.pop()

    def _fixture(self, fixturedef: Any) -> Actor:
        function = peek.function_of(fixturedef.func)
        # Not by code alone: pytest-asyncio makes its runner fixtures from one function.
        key = (function.__code__ if function is not None else None, fixturedef.argname)
        actor = self.actors.get(key)
        if actor is None:
            actor = Actor("fixture", fixturedef.argname, str(fixturedef.scope))
            with TRACKER.guarded("loop scopes of fixtures"):
                actor = actor._replace(
                    loop_scope=loop_scope_of_fixture(fixturedef, TRACKER.settings),
                    own_loop=has_own_loop_scope(fixturedef, TRACKER.settings),
                )
            if function is not None:
                self.actors[key] = actor
                if "pytest_asyncio" not in (function.__module__ or ""):
                    # Versions before 1.1 wrap all async fixtures in one and the same function.
                    inner = peek.function_of(peek.attribute(function, "__wrapped__"))
                    TRACKER.scene.fixtures[(inner or function).__code__] = actor
        return actor

    def _values(self, item: pytest.Item | None) -> list[tuple[Actor, Any]]:
        """What the fixtures of a test have returned."""
        info = getattr(item, "_fixtureinfo", None)
        stacks = info.name2fixturedefs.values() if info else ()
        done = [stack[-1] for stack in stacks if stack and stack[-1].cached_result is not None]
        return [(self._fixture(fixture), fixture.cached_result[0]) for fixture in done]

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
            values = partial(self._values, item)
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
        collecting = gc.isenabled()
        gc.disable()  # what is read here is no garbage; to look for some takes as long as to read
        found: list[Any] = []
        with TRACKER.guarded("event_loop fixtures"):
            found = overrides(session.items)
        tests = plan(session.items, TRACKER.settings)
        findings = unknown(self.options, TRACKER.settings, self.places)
        findings += audit(tests, TRACKER.settings, found)
        findings += foresee_half(self.options, TRACKER.settings, self.places, tests)
        with TRACKER.guarded("the audit of objects"):
            names = Names()
            findings += foresee(tests, names)
            findings += foresee_calls(tests, names)
        if collecting:
            gc.enable()
        self.audited = FORMS[form](findings, len(session.items))
        if any(finding.sure for finding in findings):
            session.testsfailed = 1
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        output = getattr(node, "workeroutput", None) or {}
        if "whichloop" in output:
            self.workers[node.gateway.id] = json.loads(output["whichloop"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.background.errors.uninstall_logging()
        self.limits.uninstall()
        if not TRACKER.recording:
            return
        with TRACKER.guarded("recording"):
            findings = (*self.findings, *self.background.findings)
            recording = TRACKER.whole()._replace(findings=findings)
            if hasattr(self.config, "workeroutput"):
                rows = to_json(recording, self.config.workerinput["workerid"])
                # As text: execnet would refuse a value of a subclass.
                self.config.workeroutput["whichloop"] = json.dumps(rows)
            else:
                parts = [self.workers[name] for name in sorted(self.workers)]
                self._write(merged(to_json(recording), parts))

    def _write(self, data: dict[str, Any]) -> None:
        """Write what is asked for of the recording, and note for the summary what was written."""
        for what, path in (("recording", self.path), ("page", self.html)):
            if path:
                text = as_text(data) if what == "recording" else html_page(of_json(data))
                wrong = write(Path(path), text, what)
                self.unwritten += filter(None, [wrong])
                self.written += [] if wrong else [f"whichloop: {what} written to {path}"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        section, line = terminalreporter.section, terminalreporter.write_line
        off = TRACKER.switched_off
        warnings = [f"probe {probe} switched off: {error}" for probe, error in off.items()]
        warnings += self.unwritten
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
        for text in self.written:
            line(text)

    def after_everything(self) -> None:
        """The last clean-up of the session: errors of finalizers that ran after the summary."""
        self.background.errors.uninstall()
        if not hasattr(self.config, "workerinput"):  # which its controller ends
            hangs.watch_exit()
        form = self.config.getoption("whichloop_audit")
        # Where pytest refuses its configuration, it ends before the audit: what of it is ours?
        if form and not self.audited:
            findings = unknown(self.options, TRACKER.settings, self.places)
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
                values = [held for _, held in self._values(item)]
                self.finding = self.strict.held(item, report, [*values, module], _scope_of(item))
        if TRACKER.recording and report.when == "call":
            # The outcome belongs to the loop of the test's body: the last that it ran on so far.
            for at in reversed(range(len(TRACKER.ran))):
                ran = TRACKER.ran[at]
                if (ran.kind, ran.name, ran.outcome) == ("test", report.nodeid, None):
                    TRACKER.ran[at] = ran._replace(outcome=report.outcome)
                    break
        return report
