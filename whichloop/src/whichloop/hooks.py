"""pytest's hooks during a session: they say who is at work, and ask for explanations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy
import pytest

from whichloop.actors import Actor
from whichloop.audit import Scopes, audit, loop_scope_of_fixture, report
from whichloop.observe.background_errors import Echoes
from whichloop.observe.tracker import TRACKER

# What only a failure needs is imported by the failure: most runs have none.
if TYPE_CHECKING:
    from whichloop.records import Finding

TITLE = "whichloop"

# Two wrappers run in every test: the newer kind costs half as much, where pluggy has it.
_NEW = tuple(int(part) for part in pluggy.__version__.split(".")[:2]) >= (1, 2)
_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def _around(hook: _Hook) -> _Hook:
    if _NEW:
        return pytest.hookimpl(wrapper=True, tryfirst=True)(hook)
    return pytest.hookimpl(hookwrapper=True, tryfirst=True)(hook)


class Hooks:
    """What every mode has; how it sees the end of a phase is its subclasses' own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.auditing = bool(config.getoption("whichloop_audit"))
        self.path = config.getoption("whichloop_record")
        self.findings: list[Finding] = []
        self.actors: dict[tuple[Any, str], Actor] = {}
        self.keep = TRACKER.recording
        self.audited: list[str] = []
        self.unwritten = ""
        self.workers: list[tuple[str, dict[str, Any]]] = []
        self.scopes = Scopes(
            TRACKER.settings.pytest_asyncio,
            TRACKER.settings.asyncio_mode or "strict",
            TRACKER.settings.fixture_loop_scope,
            TRACKER.settings.test_loop_scope or "function",
        )
        self.finding: Finding | None = None
        self.echoes = Echoes(self._explain)

    # -- who is at work -------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        self.echoes.install()

    @_around
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        around = TRACKER.during, TRACKER.hooks[:]  # of a test that runs a session of its own
        TRACKER.during = item.nodeid
        TRACKER.hooks[:] = [Actor("test", item.nodeid)]
        TRACKER.crossings.clear()
        TRACKER.ran_here.clear()
        try:
            return (yield)
        finally:
            TRACKER.during, TRACKER.hooks[:] = around

    @_around
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        hooks = TRACKER.hooks
        hooks.append(self._fixture(fixturedef))
        try:
            return (yield)
        finally:
            hooks.pop()

    def _fixture(self, fixturedef: Any) -> Actor:
        func = fixturedef.func
        code = getattr(getattr(func, "__func__", func), "__code__", None)
        # Not by code alone: pytest-asyncio makes its runner fixtures from one function.
        key = (code, fixturedef.argname)
        actor = self.actors.get(key)
        if actor is None:
            actor = self._new_fixture(fixturedef)
            if code is not None:
                self.actors[key] = actor
                if "pytest_asyncio" not in (getattr(func, "__module__", "") or ""):
                    TRACKER.fixture_codes[code] = actor
        return actor

    def _new_fixture(self, fixturedef: Any) -> Actor:
        loop_scope = None
        try:
            loop_scope = loop_scope_of_fixture(fixturedef, self.scopes)
        except Exception as error:
            TRACKER.switch_off("loop scopes of fixtures", error)
        return Actor("fixture", fixturedef.argname, str(fixturedef.scope), loop_scope)

    # -- explanations ---------------------------------------------------------------------

    def _explain(self, error: BaseException, during: str, phase: str) -> Finding | None:
        with TRACKER.guarded("explanations"):
            from whichloop.diagnose.explain import explain
            from whichloop.observe.failures import failure_of, recording_for

            failure, frames = failure_of(error, during, phase)
            recording = recording_for(failure, frames)
            finding = explain(recording, failure)
            del frames
            return finding
        return None

    def look(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Explain what a phase ended with, for the report that is about to be made."""
        self.finding = None
        # A skip is an exception too, and no failure.
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            self.finding = self._explain(call.excinfo.value, item.nodeid, call.when)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.finding is not None:
            finding, self.finding = self.finding, None
            if report.failed:
                self._attach(report, finding)
        if TRACKER.crossings and (report.when != "setup" or not report.passed):
            TRACKER.crossings.clear()

    def _attach(self, rep: pytest.TestReport, finding: Finding) -> None:
        if self.keep:
            self.findings.append(finding)
        from whichloop.present.section import render

        text = render(finding)
        longrepr: Any = rep.longrepr
        if hasattr(longrepr, "addsection"):
            longrepr.addsection(TITLE, text, "-")
        else:
            rep.sections.append((TITLE, text))

    # -- audit ----------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not self.auditing:
            return None
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None
        entries = audit(session.items, self.scopes)
        self.audited = report(entries, len(session.items))
        if any(entry.kind != "note" for entry in entries):
            session.testsfailed = 1
        return True

    # -- the end --------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        output = getattr(node, "workeroutput", None) or {}
        if "whichloop" in output:
            self.workers.append((node.gateway.id, json.loads(output["whichloop"])))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.echoes.uninstall_logging()
        if not self.keep:
            return
        with TRACKER.guarded("recording"):
            from whichloop.recording import merged, to_json, write

            data = to_json(TRACKER.whole(), tuple([*self.findings, *self.echoes.findings]))
            output = getattr(self.config, "workeroutput", None)
            if output is not None:
                output["whichloop"] = json.dumps(data)
            elif self.path:
                self.unwritten = write(Path(self.path), merged(data, self.workers))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write_line = terminalreporter.write_line
        if self.audited:
            terminalreporter.section("whichloop audit", sep="-")
            for line in self.audited:
                write_line(line)
        if self.echoes.findings:
            terminalreporter.section("whichloop: errors that were only logged", sep="-")
            for text, count in self.echoes.texts():
                times = f" ({count} times)" if count > 1 else ""
                write_line(f"{text}{times}\n")
            if self.echoes.more:
                write_line(f"and {self.echoes.more} more that are not shown")
        for probe, error in TRACKER.switched_off.items():
            write_line(f"whichloop: warning: probe {probe} switched off: {error}", yellow=True)
        if self.unwritten:
            write_line(f"whichloop: warning: {self.unwritten}", yellow=True)
        elif self.path and "recording" not in TRACKER.switched_off:
            write_line(f"whichloop: recording written to {self.path}")

    def after_everything(self) -> None:
        """The last clean-up of the session: errors of finalizers that ran after the summary."""
        late = self.echoes.finish()
        if late:
            print("whichloop: errors raised at exit", file=sys.stderr)
            for text in late:
                print(text, file=sys.stderr)


class ExplainHooks(Hooks):
    """The hooks of ``explain``."""

    # The common case is a test that passes: two plain hooks cost less than one wrapper.
    # Not tryfirst: pytest's own hook for unittest puts the exception in its place before.
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        self.look(item, call)
