"""Commands as a person would type them: run to their end, or started and watched."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from unittest import SkipTest
from unittest.mock import patch

from scripts import cli
from scripts.paths import ROOT

# Only a command that hangs takes so long, even where several test runs share two busy cores.
LIMIT_S, ALL_FIXES_LIMIT_S = 180, 900
SCRIPTS = (sys.executable, "-m", "scripts")
# pytest plugins that came with a tool of our own tests. No user has them, and to load them takes
# each of these many runs of pytest a second.
NOT_LOADED = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
# What a caller of these tests may have set, and what pytest and make set for their children.
NOT_PASSED_ON = (
    *("BACKEND", "MONGO_URL", "DATABASE_URL", "MONGO_IMAGE", "POSTGRES_IMAGE"),
    *("NO_COLOR", "FORCE_COLOR", "COLUMNS", "MAKELEVEL", "MAKEFLAGS", "MFLAGS"),
    *("CI", "BUILD_NUMBER", "GITHUB_ACTIONS"),  # pytest and rich write more where these are set
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"),
)


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """All of it, for checks of what must be nowhere."""
        return self.out + self.err

    def must_exit(self, code: int) -> Self:
        """This, if the exit code is the expected one; else an AssertionError that shows it all."""
        assert self.code == code, f"exit code {self.code}, not {code}\n{self.output}"
        assert "Traceback" not in self.err, self.output
        return self


def refused(done: Done) -> str:
    """The one message of a command that must have been refused."""
    assert done.must_exit(2).err.count("error: ") == 1
    return done.err


def environment(**changes: str) -> dict[str, str]:
    """A plain environment on the embedded servers, with these changes; "" removes a variable."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_PASSED_ON and not name.startswith(("WRONGLOOP_", "PYTEST_"))
    }
    own = {"BACKEND": "embedded", "WRONGLOOP_UP": "/nonexistent"}  # no pair that somebody keeps
    return {name: value for name, value in (kept | own | changes).items() if value}


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> Done:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment() if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=limit_s,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def scripts(*arguments: str, cwd: Path = ROOT, limit_s: float = LIMIT_S, **changes: str) -> Done:
    """Run `python -m scripts ARGUMENTS` with these changes to the environment."""
    return run([*SCRIPTS, *arguments], cwd=cwd, env=environment(**changes), limit_s=limit_s)


def in_process(*arguments: str, **changes: str) -> Done:
    """The same in our own process: for commands that run nothing and leave nothing to be ended.

    WRONGLOOP_RESULTS, FORCE_COLOR and NO_COLOR are read when `scripts` is imported: no effect here.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        patch.object(sys, "argv", ["scripts", *arguments]),
        patch.dict(os.environ, environment(**changes), clear=True),
    ):
        try:
            code = cli.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return Done(code, out.getvalue(), err.getvalue())


def pytest(*arguments: str, cwd: Path = ROOT, **changes: str) -> Done:
    """Run a bare `pytest ARGUMENTS` with these changes to the environment."""
    options = ["-p", "no:cacheprovider", "--tb=no", *NOT_LOADED]
    program = str(Path(sys.executable).with_name("pytest"))
    return run([program, *options, *arguments], cwd=cwd, env=environment(**changes))


@dataclass
class Started:
    """A command that runs while the test looks at it."""

    process: subprocess.Popen[str]
    out: IO[str]

    def so_far(self) -> str:
        self.out.seek(0)
        return self.out.read()

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.so_far() or self.process.poll() is not None, LIMIT_S)
        assert text in self.so_far(), self.so_far()

    def end(self, limit_s: float = LIMIT_S) -> Done:
        return Done(self.process.wait(limit_s), self.so_far(), "")


@contextmanager
def started(
    command: Sequence[str], folder: Path, *, cwd: Path = ROOT, **changes: str
) -> Iterator[Started]:
    """A command that runs inside the block, its output in `folder`; afterwards it is killed."""
    env = environment(**changes)
    with (folder / "output.txt").open("w+", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            text=True,
            # Ctrl-C works for a command that is typed, whatever these tests were started with.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            yield Started(process, out)
        finally:
            process.kill()
            process.wait()


def eventually(condition: Callable[[], object], limit_s: float) -> bool:
    """Does the condition come true within the limit?"""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_of(folder: Path) -> dict[int, str]:
    """{process id: command line} of what was started with TMPDIR=`folder`, or works in there.

    Postgres writes its state over its environment, but stands in its data folder. Linux only.
    """
    commands = {}
    marker = f"TMPDIR={folder}\0".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # ended in the meantime, or not ours to look at
            inside = os.readlink(entry / "cwd").startswith(f"{folder}/")
            if inside or marker in (entry / "environ").read_bytes() + b"\0":
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if command:  # a zombie has none
                    commands[int(entry.name)] = command
    return commands


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket, and open to other accounts.

    What still runs from it after the block is killed.
    """
    if sys.platform != "linux":
        raise SkipTest("processes are found through /proc")
    folder = Path(tempfile.mkdtemp(prefix="wl-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        for process in processes_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def process_with(folder: Path, words: str) -> int:
    """The process of `folder` whose command line holds `words`, once there is one."""
    matching: list[int] = []

    def look() -> bool:
        matching[:] = [pid for pid, command in processes_of(folder).items() if words in command]
        return bool(matching)

    assert eventually(look, LIMIT_S), f"no {words} among {processes_of(folder)}"
    return min(matching)
