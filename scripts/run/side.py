"""Run one side in a pytest of its own, and write down what happened."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.environment import for_side, plugins_not_in, versions
from scripts.run.model import Circumstances, Record, Recording, Run, ServerVersion
from scripts.run.results import RECORD_VARIABLE
from scripts.servers.client import Guardian
from scripts.servers.model import SERVERS_VARIABLE, Servers
from scripts.servers.process import seconds
from scripts.sides.manifest import Side

WHICHLOOP_VARIABLE = "WRONGLOOP_WHICHLOOP"
LIMIT_VARIABLE = "WRONGLOOP_LIMIT_S"
LIMIT_S = 180
POLL_S = 1.0
# What `pytest -v` has written of a test that has begun and not ended.
BEGUN = re.compile(r"^(\S+::.*?)\s*$")
# pytest's first error of its own; it may follow an unfinished `collecting`.
FIRST_ERROR = re.compile(r"^(?:collecting \.\.\. )?(ERROR: .*)", re.MULTILINE)
# The drivers whose connections run.json has.
RECORDED_DRIVERS = ("motor", "pymongo", "sqlalchemy", "asyncpg", "psycopg", "httpx")
# The pytest processes of this command that have not ended.
UNDER_WAY: set[subprocess.Popen[str]] = set()


class Interrupted(Exception):
    """The side was ended by `end_all`: what it did until then is no result, and is not written."""


class Watchdog:
    """Ends a run that will not end by itself: a test hangs, or a server is gone or frozen.

    `stopped` says why the run was ended, "" while it was not.
    """

    def __init__(self, guardian: Guardian, limit_s: float) -> None:
        self.stopped = ""
        self.server_gone = False
        self._guardian = guardian
        self._limit_s = seconds(LIMIT_VARIABLE, limit_s)

    def watch(self, pytest: subprocess.Popen[str], over: threading.Event) -> None:
        started = time.monotonic()
        while not over.wait(POLL_S):
            if time.monotonic() - started > self._limit_s:
                self.stopped = f"it had not ended after {self._limit_s:g} s ({LIMIT_VARIABLE})"
            else:
                self.look()
            if self.stopped and not over.is_set():
                end(pytest)
                return

    def look(self) -> None:
        trouble = self._guardian.trouble()
        if trouble:
            self.stopped, self.server_gone = trouble, True


def run_side(side: Side, on_line: Callable[[str], None], guardian: Guardian) -> Run:
    """Run `side` on the guardian's servers; write `run.json` and `output.txt`; return the run.

    `on_line` gets every line of pytest's output as it comes. Raises CommandError if the results
    cannot be written or the side's tests cannot be imported.
    """
    run = run_folder(side.folder, side.id, on_line, guardian)
    if run.collection_errors:
        raise CommandError(
            f"{side.folder}: a test file does not import.\n"
            + "\n".join(f"  {line}" for line in run.collection_errors),
            hint=f".venv/bin/pytest {side.folder}",
        )
    results.write_json(results.folder(side.id) / "run.json", run.to_data())
    return run


def run_folder(
    project: str,
    name: str,
    on_line: Callable[[str], None],
    guardian: Guardian,
    arguments: Sequence[str] = (),
    python: str = sys.executable,
    limit_s: float = LIMIT_S,
    path: str = "",
) -> Run:
    """Run the pytest project in the folder `project` with more `arguments`, and write its output
    and recording to `results/<name>`. It is ended after `limit_s`, or what LIMIT_VARIABLE says.
    `path` is its PYTHONPATH."""
    folder = results.folder(name)
    command = [python, "-m", "pytest", "-p", "scripts.run.recorder", "--color=no"]
    command += ["-p", "no:cacheprovider", "-v", *(arguments or [project])]
    command += [word for name in plugins_not_in("run.txt") for word in ("-p", f"no:{name}")]
    with tempfile.TemporaryDirectory(dir=guardian.servers.log_dir) as scratch:
        record_file, recording_file = Path(scratch, "record.json"), Path(scratch, "recording.json")
        command.append(f"--whichloop-record={recording_file}")
        if os.environ.get(WHICHLOOP_VARIABLE) == "off":  # to show that it changes no outcome
            command.append("--whichloop=off")
        watchdog = Watchdog(guardian, limit_s)
        exit_code, output = run_pytest(command, guardian, record_file, on_line, watchdog, path)
        results.write(folder / "output.txt", output)
        if exit_code != 0 and not watchdog.stopped:
            watchdog.look()  # did tests fail for want of a server?
        recording = Recording.read(recording_file)
        results.write_json(folder / "recording.json", recording.document)
        recorded = None
        with suppress(OSError, ValueError):  # pytest may have died before it could write it
            recorded = Record.model_validate_json(record_file.read_text("utf-8"))
    record = recorded or Record(versions=versions(), exit_code=exit_code, tests={})
    tests = record.tests.values()
    loops = {test.name: test.loop for test in recording.tests if test.outcome is not None}
    last_lines = [line for line in output.splitlines() if line.strip()][-3:]
    stopped = watchdog.stopped
    begun = BEGUN.match(output.rpartition("\n")[2])
    if stopped and not watchdog.server_gone and begun:
        stopped += f"; running then: {begun[1]}"
    parts = {
        **dict(circumstances(guardian.servers)),
        **dict(record),
        "tests": [test.model_copy(update={"loop": loops.get(test.nodeid)}) for test in tests],
        "loops": recording.loops,
        "fixtures": recording.fixtures,
        "connections": [used for used in recording.connections if used.driver in RECORDED_DRIVERS],
    }
    return Run(
        **parts,
        side=name,
        command=f".venv/bin/pytest {project}",
        stopped=stopped,
        server_gone=watchdog.server_gone,
        said="" if tests else first_error(output),
        last_words="" if recorded else " | ".join(last_lines),
    )


def run_pytest(
    command: list[str],
    guardian: Guardian,
    record: Path,
    on_line: Callable[[str], None],
    watchdog: Watchdog,
    path: str = "",
) -> tuple[int, str]:
    """Run pytest to its end, or to ours: its exit code, and all that it printed."""
    environ = for_side(os.environ) | ({"PYTHONPATH": path} if path else {})
    environ |= {
        SERVERS_VARIABLE: guardian.servers.to_json(),
        RECORD_VARIABLE: str(record),
    }
    pytest = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    assert pytest.stdout is not None
    guardian.end_with_me(pytest.pid)
    UNDER_WAY.add(pytest)
    lines = []
    over = threading.Event()
    try:
        threading.Thread(target=watchdog.watch, args=(pytest, over), daemon=True).start()
        for line in pytest.stdout:
            lines.append(line)
            on_line(line.rstrip("\n"))
        pytest.wait()
        if pytest not in UNDER_WAY:
            raise Interrupted
    finally:
        over.set()
        end(pytest)
        UNDER_WAY.discard(pytest)
        pytest.stdout.close()
    return pytest.returncode, "".join(lines)


def end(pytest: subprocess.Popen[str]) -> None:
    if pytest.poll() is None:
        if os.name == "nt":
            pytest.kill()
        else:
            os.killpg(pytest.pid, signal.SIGKILL)
        pytest.wait()


def end_all() -> None:
    """End every side that is under way; `run_side`, in its thread, then raises Interrupted."""
    while UNDER_WAY:
        end(UNDER_WAY.pop())


def first_error(output: str) -> str:
    match = FIRST_ERROR.search(output)
    return match[1] if match else ""


def circumstances(servers: Servers) -> Circumstances:
    pair = {"mongodb": servers.mongodb, "postgres": servers.postgres}
    return Circumstances(
        backend=servers.backend,
        servers={
            name: ServerVersion(product=server.product, version=server.version) if server else None
            for name, server in pair.items()
        },
        versions=versions(),
    )
