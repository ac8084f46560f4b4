"""Errors that no test fails with: logged by asyncio or a driver, or raised in a finalizer."""

import logging
import sys
from collections.abc import Callable
from typing import Any

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


class BackgroundErrors:
    """Listens from ``install`` to ``uninstall``; each error goes to ``report(error, where)``, with
    "logged" or "finalizer"."""

    def __init__(self, report: Callable[[BaseException, str], None]) -> None:
        self._report = report
        self._before: Any = None
        self._hook = self._unraisable

    def install(self) -> None:
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self._logged)
        self._before = sys.unraisablehook
        sys.unraisablehook = self._hook

    def _logged(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.WARNING and error is not None:
            self._report(error, "logged")
        return True

    def _unraisable(self, unraisable: Any) -> None:
        if unraisable.exc_value is not None:
            self._report(unraisable.exc_value, "finalizer")
        self._before(unraisable)

    def uninstall_logging(self) -> None:
        """Finalizers are listened to for longer: they run after everything else."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self._logged)

    def uninstall(self) -> None:
        self.uninstall_logging()
        if sys.unraisablehook is self._hook:
            sys.unraisablehook = self._before
