"""Child processes that never outlive the process that started them, and how long we wait."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from scripts.errors import CommandError

Answer = TypeVar("Answer")

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_S = 0.02


@dataclass
class End:
    """Whether this process shall end.

    It is looked at only while something is waited for: an exception out of a signal handler could
    come between the start of a child and the note that it must be stopped.
    """

    wanted: bool = False


end = End()


def seconds(variable: str, default: float) -> float:
    """The number of seconds in an environment variable, or `default` if it is not set. Raises
    CommandError if it holds no number above 0."""
    given = os.environ.get(variable, "")
    try:
        limit = float(given or default)
    except ValueError:
        limit = 0
    if not limit > 0:
        raise CommandError(
            f"{variable}={given!r} is not a number of seconds above 0",
            hint=f"unset {variable}; the limit is then {default:g} s",
        )
    return limit


def start(command: Sequence[str], *, log: Path, **how: Any) -> subprocess.Popen[bytes]:
    """Start `command` with its output appended to `log`; `how` is as for subprocess.Popen.

    On Linux the child is killed by the kernel when the caller dies, however it dies. Call this
    from the main thread: the kernel takes the end of the calling *thread* for the parent's death.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=dying_with_parent(),
            **how,
        )


def stop(
    child: subprocess.Popen[Any], patience_s: float, first: signal.Signals | None = None
) -> None:
    """Send a child the signal `first`, if there is one; kill it if it does not end in time."""
    if first is not None:
        child.send_signal(first)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(patience_s)
    child.kill()  # which does nothing to one that has ended
    child.wait()


def wait_until(ask: Callable[[], Answer | None], limit_s: float) -> Answer | None:
    """Ask until there is an answer; None after `limit_s`. Raises SystemExit if we shall end."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if end.wanted:
            raise SystemExit(0)
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(POLL_S)
    return None


def run(command: Sequence[str], limit_s: float, *, log: Path, **how: Any) -> int:
    """Run a child to its end: its exit code. It is killed after `limit_s`."""
    child = start(command, log=log, **how)
    try:
        wait_until(child.poll, limit_s)
    finally:
        stop(child, 0)
    return child.returncode


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a server's log, on one line."""
    try:
        return " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-count:])
    except OSError:
        return "it wrote no log"


def dying_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` that asks Linux to kill the child with its parent; None elsewhere."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: the child, between fork and exec, should only call
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def in_background(do: Callable[[], Answer]) -> Future[Answer]:
    """Begin to `do` it in a thread that nobody waits for if it hangs; what it returns or raises."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
