"""A pytest plugin that writes down what happened to each test, for `results/<side>/run.json`.

Loaded by the commands with `-p scripts.run.recorder`; a bare `pytest broken` runs without it.
It looks at reports and exceptions only, so it changes no outcome.
"""

import logging
import os
import time
import traceback
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.paths import ROOT
from scripts.run import results
from scripts.run.connections import counters, note_peaks, totals
from scripts.run.environment import versions
from scripts.run.model import Failure, Record, Test
from scripts.servers.databases import DATABASES
from scripts.verdict.words import Kind
from whichloop import messages

DRIVERS = ("motor", "asyncpg", "psycopg", "pymongo", "httpx")
# What a driver raises when the server is gone, and the operating system when there is none.
UNREACHABLE = (
    *("ServerSelectionTimeoutError", "AutoReconnect", "ConnectionDoesNotExistError"),
    *("CannotConnectNowError", "ConnectionRefusedError", "ConnectionResetError"),
    *("ConnectionError", "LockNotAvailable", "AdminShutdown", "AdminShutdownError"),
)
ASYNCIO_OPTIONS = ("mode", "default_fixture_loop_scope", "default_test_loop_scope")


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get(results.RECORD_VARIABLE)
    if path:
        config.pluginmanager.register(Recorder(config, Path(path)), "wrongloop-recorder")


@dataclass(frozen=True)
class Raised:
    """One exception of a chain: its type's name, its text, and the files of its traceback.

    `files` are innermost first, as the interpreter names them.
    """

    type: str
    message: str
    files: tuple[str, ...] = ()


class LoggedErrors(logging.Handler):
    """Counts the records of level ERROR and above by their text, parameters left out: a side can
    be green and not clean."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        text = str(record.msg).partition("\n")[0].partition("%")[0].partition("<")[0].strip()
        self.counts[f"{text} ({record.name.partition('.')[0]})"] += 1


class Recorder:
    def __init__(self, config: pytest.Config, path: Path) -> None:
        self.config = config
        self.path = path
        self.tests: dict[str, Test] = {}
        self.collection_errors: list[str] = []
        self.counters = counters(config.stash.get(DATABASES, None))
        self.logged = LoggedErrors()
        logging.getLogger().addHandler(self.logged)
        self.started = time.time()
        self.began = time.monotonic()  # a clock that is set meanwhile makes no run longer

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Merge each phase into the test's entry while the exception is still an object; the first
        failing phase decides.

        Of a test that is run several times the last run decides; `reruns` counts those before it
        that failed, so that a test which passes in the end is seen to be flaky.
        """
        report = yield
        if report.when == "call":
            note_peaks(self.counters)
        group = str(getattr(getattr(item, "module", None), "GROUP", "unknown"))
        test = self.tests.get(item.nodeid) or Test(nodeid=item.nodeid, group=group)
        if report.when == "setup" and test.duration_s > 0:
            reruns = test.reruns + (test.error is not None)
            test = Test(nodeid=item.nodeid, group=group, reruns=reruns)
        change: dict[str, Any] = {"duration_s": round(test.duration_s + report.duration, 4)}
        if report.skipped and not hasattr(report, "wasxfail"):  # that one failed as it must
            change |= {"outcome": "skipped", "phase": report.when}
        elif report.failed and test.error is None and call.excinfo is not None:
            outcome = "failed" if report.when == "call" else "error"
            error = failure(call.excinfo.value)
            change |= {"outcome": outcome, "phase": report.when, "error": error}
        self.tests[item.nodeid] = test.model_copy(update=change)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected: a run without it is not a result."""
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.collection_errors.append(f"{report.nodeid}: {lines[-1] if lines else 'failed'}")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        counts = totals(self.counters)
        logging.getLogger().removeHandler(self.logged)
        record = Record(
            versions=versions(),
            exit_code=int(exitstatus),
            started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)),
            duration_s=round(time.monotonic() - self.began, 3),
            asyncio={name: option(self.config, f"asyncio_{name}") for name in ASYNCIO_OPTIONS},
            counts=counts,
            logged_errors=dict(self.logged.counts),
            collection_errors=tuple(self.collection_errors),
            tests=self.tests,
        )
        results.write(self.path, record.model_dump_json())


def failure(error: BaseException) -> Failure:
    chain = list(exceptions(error))
    kind, driver = classify(chain)
    at = next(filter(None, map(place_of_ours, frames(error))), None)
    return Failure(type=chain[0].type, message=chain[0].message, kind=kind, driver=driver, at=at)


def exceptions(error: BaseException | None) -> Iterator[Raised]:
    """The exception, then what is inside it or behind it."""
    passed: set[int] = set()  # a chain may lead back to where it began
    while error is not None and id(error) not in passed:
        passed.add(id(error))
        files = tuple(frame.filename for frame in frames(error))
        yield Raised(type(error).__name__, str(error), files)
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            hidden = None if error.__suppress_context__ else error.__context__
            error = error.__cause__ or hidden


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an exception's traceback, innermost first, without their source lines."""
    walked = traceback.walk_tb(error.__traceback__)
    return list(reversed(traceback.StackSummary.extract(walked, lookup_lines=False)))


def place_of_ours(frame: traceback.FrameSummary) -> str:
    """ "suite/test_jobs.py:22", if a reader of this repository would open the file; else ""."""
    path = Path(frame.filename)
    if ROOT not in path.parents or ".venv" in path.parts:
        return ""
    return f"{path.relative_to(ROOT).as_posix()}:{frame.lineno}"


def option(config: pytest.Config, name: str) -> str | None:
    """An ini option that the side may not have, as text."""
    try:
        value = config.getoption(name, None) or config.getini(name)
    except (KeyError, ValueError):
        return None
    return str(value) if value else None


def classify(chain: list[Raised]) -> tuple[Kind, str | None]:
    """(kind, driver) of a failure, from its exceptions, the one that was raised first in the list.

    `kind` is different_loop, loop_closed, operation_in_progress, infrastructure, assertion or
    other. A wrapping exception is judged by its cause if its own text says nothing.
    """
    kinds = (kind for kind in map(kind_of, chain) if kind != "other")
    return next(kinds, "other"), next(filter(None, map(driver_of, chain)), None)


def kind_of(raised: Raised) -> Kind:
    """The kind of one exception, by its text, then by its type."""
    kind = messages.kind_of(f"{raised.type}: {raised.message}")
    if kind is not None:
        return kind
    if raised.type in UNREACHABLE:
        return "infrastructure"
    return "assertion" if raised.type == "AssertionError" else "other"


def driver_of(raised: Raised) -> str | None:
    """The driver whose future, or whose innermost frame, is in the exception."""
    owner = messages.driver_of(raised.message)
    if owner is not None:
        return owner
    for file in raised.files:
        parts = file.replace("\\", "/").split("/")
        for driver in DRIVERS:
            if driver in parts[:-1] or f"{driver}.py" == parts[-1]:
                # Motor runs PyMongo in threads: with a frame of Motor's anywhere, it is Motor's.
                if driver == "pymongo" and any("/motor/" in other for other in raised.files):
                    return "motor"
                return driver
    return None
