"""Errors that no test fails with: logged by any library, or raised in a finalizer or thread."""

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any


class BackgroundErrors:
    """Listens from ``install`` to ``uninstall``; each goes to ``report(error, text, where)``, with
    "logged", "finalizer" or "thread"; the error, or the text that was logged without one."""

    def __init__(self, report: Callable[[BaseException | None, str, str], None]) -> None:
        self._report = report
        # Where each hook hangs, what was there before, and what is there now.
        self._hooks: list[tuple[Any, str, Any, Any]] = []

    def install(self) -> None:
        # No handler: one would keep logging.lastResort and basicConfig() from doing what they do
        # without us. What stands around handle() is no frame that a record names as its caller's.
        self._hook(logging.Logger, "handle", self._logged)
        self._hook(sys, "unraisablehook", self._raised("finalizer"))
        self._hook(threading, "excepthook", self._raised("thread"))

    def _hook(self, owner: Any, name: str, see: Callable[[Any], None]) -> None:
        before = getattr(owner, name)

        def hook(*args: Any) -> Any:
            see(args[-1])
            return before(*args)

        setattr(owner, name, hook)
        self._hooks.append((owner, name, before, hook))

    def _logged(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING or record.name == "whichloop":
            return
        info, args = record.exc_info, record.args
        given = info[1] if type(info) is tuple else None
        # Last the one that is being handled: a library may log no more than words of its own.
        values = (given, record.msg, *(args if type(args) is tuple else ()), sys.exc_info()[1])
        error: Any = next((one for one in values if issubclass(type(one), BaseException)), None)
        self._report(error, record.msg if type(record.msg) is str else "", "logged")

    def _raised(self, where: str) -> Callable[[Any], None]:
        def see(raised: Any) -> None:
            if raised.exc_value is not None:
                self._report(raised.exc_value, "", where)

        return see

    def uninstall_logging(self) -> None:
        """Finalizers are listened to for longer: they run after everything else."""
        self._unhook(logging.Logger)

    def uninstall(self) -> None:
        self._unhook(logging.Logger, sys, threading)

    def _unhook(self, *owners: Any) -> None:
        for hook in [hook for hook in self._hooks if hook[0] in owners]:
            owner, name, before, own = hook
            if getattr(owner, name) is own:
                setattr(owner, name, before)
            self._hooks.remove(hook)
