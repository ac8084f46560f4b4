"""pytest's hooks, and nothing else: they say who is at work, and ask for explanations."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy
import pytest

from . import watching
from .actors import Actor, Settings
from .audit import Scopes, audit, loop_scope_of_fixture, report
from .echoes import Echoes
from .tracker import TRACKER

# What only a failure needs is imported by the failure: most runs have none.
if TYPE_CHECKING:
    from .records import Finding

TITLE = "whichloop"

# Two wrappers run in every test: the newer kind costs half as much, where pluggy has it.
_NEW = tuple(int(part) for part in pluggy.__version__.split(".")[:2]) >= (1, 2)
_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def _around(hook: _Hook) -> _Hook:
    if _NEW:
        return pytest.hookimpl(wrapper=True, tryfirst=True)(hook)
    return pytest.hookimpl(hookwrapper=True, tryfirst=True)(hook)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("whichloop", "which object lives on which event loop")
    group.addoption(
        "--whichloop",
        choices=("explain", "off", "strict"),
        default="explain",
        help="explain: explain failures that several event loops cause (default); strict: also "
        "fail a test that passed but used an object on another loop than its own, or left a "
        "connection on a closed loop; off: do nothing",
    )
    group.addoption(
        "--whichloop-audit",
        action="store_true",
        help="compare the loop scopes of tests and fixtures, run nothing, exit 1 if any differ",
    )
    group.addoption(
        "--whichloop-record",
        metavar="PATH",
        default=None,
        help="write loops, fixtures, tests, connections and crossings to PATH as JSON",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before the first conftest: a module-level engine is built when that is imported.
    namespace = early_config.known_args_namespace
    if getattr(namespace, "whichloop", "explain") != "off":
        TRACKER.reported_elsewhere = True
        watching.install()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("whichloop") == "off" and not config.getoption("whichloop_audit"):
        watching.uninstall()
        return
    TRACKER.reported_elsewhere = True
    watching.install()
    TRACKER.settings = settings_of(config)
    TRACKER.recording = bool(config.getoption("whichloop_record")) or hasattr(config, "workerinput")
    thorough = TRACKER.recording or config.getoption("whichloop") == "strict"
    hooks = ThoroughHooks(config) if thorough else Hooks(config)
    config.pluginmanager.register(hooks, "whichloop-hooks")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ini(config: pytest.Config, name: str) -> str | None:
    try:
        value = config.getini(name)
    except (KeyError, ValueError):
        return None
    return str(value) if value else None


def settings_of(config: pytest.Config) -> Settings:
    """Versions and effective loop scopes; None where the plugin or option is not there."""
    active = config.pluginmanager.hasplugin("asyncio")
    mode = None
    if active:
        mode = config.getoption("asyncio_mode", None) or _ini(config, "asyncio_mode") or "strict"
    return Settings(
        python=".".join(map(str, sys.version_info[:3])),
        pytest=pytest.__version__,
        pytest_asyncio=_version("pytest-asyncio") if active else None,
        anyio=_version("anyio"),
        asyncio_mode=str(getattr(mode, "value", mode)) if mode else None,
        fixture_loop_scope=_ini(config, "asyncio_default_fixture_loop_scope") if active else None,
        test_loop_scope=(_ini(config, "asyncio_default_test_loop_scope") or "function")
        if active
        else None,
    )


class Hooks:
    """The hooks of one session; registered unless ``--whichloop=off``."""

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
        config.add_cleanup(self._after_everything)

    # -- who is at work -------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        self.echoes.install()

    @_around
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        TRACKER.during = item.nodeid
        TRACKER.hooks[:] = [Actor("test", item.nodeid)]
        TRACKER.crossings.clear()
        TRACKER.ran_here.clear()
        try:
            return (yield)
        finally:
            TRACKER.hooks.clear()
            TRACKER.during = ""

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
            from .explain import explain
            from .failures import failure_of, recording_for

            failure, frames = failure_of(error, during, phase)
            recording = recording_for(failure, frames)
            finding = explain(recording, failure)
            del frames
            return finding
        return None

    # The common case is a test that passes: two plain hooks cost less than one wrapper.
    # Not tryfirst: pytest's own hook for unittest puts the exception in its place before.
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
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
        from .render import render

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
            from .records import to_json

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
        for probe, error in TRACKER.switched_off.items():
            write_line(f"whichloop: warning: probe {probe} switched off: {error}", yellow=True)
        if self.unwritten:
            write_line(f"whichloop: warning: {self.unwritten}", yellow=True)
        elif self.path:
            write_line(f"whichloop: recording written to {self.path}")

    def _after_everything(self) -> None:
        """The last clean-up of the session: errors of finalizers that ran after the summary."""
        late = self.echoes.finish()
        if late:
            print("whichloop: errors raised at exit", file=sys.stderr)
            for text in late:
                print(text, file=sys.stderr)
        watching.uninstall()


class ThoroughHooks(Hooks):
    """The hooks of ``strict`` and of a recording, which look at tests that pass, too."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.strict = config.getoption("whichloop") == "strict"

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(  # type: ignore[override]
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, None]:
        outcome = yield
        super().pytest_runtest_makereport(item, call)
        rep: pytest.TestReport = outcome.get_result()
        if self.strict and rep.passed:
            with TRACKER.guarded("strict"):
                self._strict(rep)
        if self.keep and rep.when == "call":
            self._outcome(item, rep)

    def _strict(self, rep: pytest.TestReport) -> None:
        found: list[Finding] = []
        if TRACKER.crossings:
            from .explain import explain_crossing

            recording = TRACKER.snapshot()
            last = recording.crossings[-1]
            found.append(explain_crossing(recording, last, rep.when or ""))
        elif rep.when == "teardown":
            from .stale import stale_findings

            found.extend(stale_findings(rep.nodeid))
        if not found:
            return
        from .render import render

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


def merged(data: dict[str, Any], workers: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One recording of several xdist workers; each loop's name gains its worker's."""
    if not workers:
        return data
    whole: dict[str, Any] = {**data}
    for key, value in whole.items():
        if isinstance(value, list):
            whole[key] = list(value)
    names = ("id", "loop", "bound_to", "used_on", "opened_on")
    for worker, part in sorted(workers, key=lambda pair: pair[0]):
        for key, rows in part.items():
            if not isinstance(rows, list):
                continue
            for row in rows:
                for name in names:
                    value = row.get(name)
                    if isinstance(value, str):
                        row[name] = f"{worker}/{value}"
                    elif isinstance(value, list):
                        row[name] = [f"{worker}/{one}" for one in value]
                whole[key].append({**row, "worker": worker})
    return whole


def write(path: Path, data: dict[str, Any]) -> str:
    """Write ``data`` whole or not at all; what went wrong, in words, or nothing."""
    import tempfile

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(name, path)
    except OSError as error:
        return f"the recording could not be written to {path}: {error.strerror or error}"
    return ""
