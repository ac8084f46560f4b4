"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

if sys.platform != "win32":
    import pwd

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

    def check(self) -> None:
        """Raise SystemExit if it shall."""
        if self.wanted:
            raise SystemExit(0)


end = End()


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` with its output appended to `log`, as `user` if one is named.

    On Linux the child is killed by the kernel when the caller dies, however it dies. Call this
    from the main thread: the kernel takes the end of the calling *thread* for the parent's death.
    """
    identity: dict[str, Any] = {}
    if user is not None:
        entry = pwd.getpwnam(user)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with log.open("ab") as output:
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd,
            preexec_fn=dying_with_parent(),
            **identity,
        )


def stop(process: subprocess.Popen[bytes], *, first: signal.Signals, patience: float) -> None:
    """Send `first`, wait `patience` seconds, then kill. Nothing happens to an ended process."""
    if process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_answer(
    ask: Callable[[], Answer | None], process: subprocess.Popen[bytes], limit: float
) -> Answer | None:
    """Ask until there is an answer; None if `process` ends or `limit` seconds pass before."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and process.poll() is None:
        end.check()
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(POLL_S)
    return None


def wait_for_end(process: subprocess.Popen[bytes], limit: float) -> int:
    """The exit code of a child that does its work and ends; killed after `limit` seconds."""
    deadline = time.monotonic() + limit
    try:
        while time.monotonic() < deadline and process.poll() is None:
            end.check()
            time.sleep(POLL_S)
    finally:
        process.kill()  # which does nothing to one that has ended
        code = process.wait()
    return code


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
