"""Errors that no test fails with: logged by asyncio or a driver, or raised in a finalizer."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from whichloop.observe.tracker import TRACKER

if TYPE_CHECKING:
    from whichloop.records import Finding

# A filter sees what its own logger is given, and changes nothing: a handler would keep
# logging.lastResort and basicConfig() from doing what they do without us.
LOGGERS = (
    "asyncio",
    "asyncpg.pool",
    "grpc._cython.cygrpc",
    "psycopg.pool",
    "redis.asyncio",
    "streamlit.error_util",
    *(
        f"sqlalchemy.pool.impl.{name}"
        for name in ("AsyncAdaptedQueuePool", "NullPool", "StaticPool", "QueuePool")
    ),
)
# A suite whose every test logs an error says so often enough with these.
MAX_FINDINGS = 200


class Echoes:
    """Listens from ``install`` to ``finish``; ``explain(error, during, phase)`` explains."""

    def __init__(self, explain: Callable[[BaseException, str, str], Finding | None]) -> None:
        self._explain = explain
        self.findings: list[Finding] = []
        self.more = 0
        self._shown = 0
        self._before: Any = None
        self._hook: Any = None

    def install(self) -> None:
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self._record)
        self._before = sys.unraisablehook
        self._hook = self._unraisable
        sys.unraisablehook = self._hook

    def _note(self, error: BaseException | None, where: str) -> None:
        if error is None:
            return
        finding = self._explain(error, TRACKER.during, where)
        if finding is not None and finding.cause != "not a loop problem":
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(finding)
            else:
                self.more += 1

    def _record(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING and record.exc_info:
            self._note(record.exc_info[1], "logged")
        return True

    def _unraisable(self, unraisable: Any) -> None:
        self._note(unraisable.exc_value, "finalizer")
        self._before(unraisable)

    def uninstall_logging(self) -> None:
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self._record)

    def texts(self) -> list[tuple[str, int]]:
        """Each explanation once, with how often it was given."""
        from whichloop.present.section import render

        counts: dict[str, int] = {}
        for finding in self.findings:
            text = render(finding)
            counts[text] = counts.get(text, 0) + 1
        self._shown = len(self.findings)
        return list(counts.items())

    def finish(self) -> list[str]:
        """Stop listening; the explanations that came after the last ``texts()``."""
        self.uninstall_logging()
        if sys.unraisablehook is self._hook:
            sys.unraisablehook = self._before
        late = self.findings[self._shown :]
        self._shown = len(self.findings)
        if not late:
            return []
        from whichloop.present.section import render

        return list(dict.fromkeys(render(finding) for finding in late))
