"""Do runs say the same of every test? `same` asks it of several results folders, `soak` of one
command that is run many times.

`same` is for CI, which runs every side on each backend: what fails, and how, must not hang on the
servers.
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scripts.errors import CommandError
from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.run.model import Run, Test
from scripts.servers.process import dying_with_parent
from scripts.views import terminal

# One run of the command, as `soak.json` has it: run, exit_code, duration_s, outcomes (what happened
# to every test), and same: was that as in the first run?
Round = dict[str, Any]


def same(folders: list[Path]) -> int:
    """Compare `<folder>/*/run.json`: 0 if every test did the same in all of them, else 1."""
    if len(folders) < 2:
        raise CommandError(
            "same compares two results folders or more",
            hint="python -m scripts same results/embedded results/testcontainers",
        )
    by_folder = {folder: outcomes(folder) for folder in folders}
    tests = sorted({test for happened in by_folder.values() for test in happened})
    differences = 0
    for test in tests:
        happened = {folder: by_folder[folder].get(test, "not run") for folder in folders}
        if len(set(happened.values())) > 1:
            differences += 1
            terminal.line(test, "red")
            for folder, outcome in happened.items():
                terminal.line(f"  {folder}: {outcome}")
    for folder in folders:
        terminal.line(f"{folder}: {len(by_folder[folder])} outcomes on {servers(folder)}")
    if differences:
        terminal.line(f"{differences} of {len(tests)} tests differ")
        return 1
    terminal.line("Equal: each test has the same outcome and kind in all of them.")
    return 0


def runs_in(folder: Path) -> list[Run]:
    return [results.read(path) for path in sorted(folder.glob("*/run.json"))]


def outcomes(folder: Path) -> dict[str, str]:
    """{"broken::test_jobs.py::test_job": what happened}, for every test of every side."""
    return {
        f"{run.side}::{test.nodeid}": happened(test)
        for run in runs_in(folder)
        for test in run.tests.values()
    }


def happened(test: Test) -> str:
    """ "error in teardown different_loop motor RuntimeError"."""
    where = "" if test.phase == "call" else f" in {test.phase}"
    error = f" {test.kind} {test.driver} {test.error.type}" if test.error else ""
    return f"{test.outcome}{where}{error}"


def servers(folder: Path) -> str:
    """The backends and servers of the runs in a folder. Raises CommandError if none was run."""
    backends = {
        f"{run.backend} ({', '.join(str(server) for server in run.servers.values() if server)})"
        for run in runs_in(folder)
    }
    if not backends:
        raise CommandError(
            f"no side was run into {folder}",
            hint=f"WRONGLOOP_RESULTS={folder} python -m scripts all-fixes",
        )
    return " and ".join(sorted(backends))


def soak(command: list[str], times: int, at_once: int) -> int:
    """Run `python -m scripts COMMAND` `times` times, `at_once` beside each other.

    Each run has a results folder of its own, which is kept if the run differs; `results/soak.json`
    has them all. 0 if all were equal and exited 0, else 1.
    """
    folder = results.folder("soak")
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(at_once) as pool:
        try:
            numbers = range(1, times + 1)
            rounds = list(pool.map(lambda n: run_once(command, folder, n, running), numbers))
        except BaseException:  # Ctrl-C among them: begin no further run, and end those begun
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise
    first, different = rounds[0]["outcomes"], 0
    for one_run in rounds:
        one_run["same"] = one_run["outcomes"] == first
        if one_run["same"] and one_run["exit_code"] == 0:
            shutil.rmtree(folder / str(one_run["run"]), ignore_errors=True)
        else:
            different += 1
    for one_run in rounds[1:]:
        if one_run["same"]:
            one_run["outcomes"] = {}
    seconds = [one_run["duration_s"] for one_run in rounds]
    data = {"command": command, "times": times, "at_once": at_once, "runs": rounds}
    results.write_json(RESULTS / "soak.json", data)
    terminal.line(
        f"{times} runs of {' '.join(command)}, {at_once} at once: "
        f"{times - different} the same and as documented, {different} not; "
        f"{min(seconds):.1f} to {max(seconds):.1f} s each. Written: results/soak.json"
    )
    return 1 if different or not first else 0


def run_once(
    command: list[str], folder: Path, number: int, running: list[subprocess.Popen[str]]
) -> Round:
    """One run. Its process is in `running` while it runs, and is killed if we are."""
    own = folder / str(number)
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    started = time.monotonic()
    with (own / "command.txt").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts", *command],
            cwd=ROOT,
            env=os.environ | {"WRONGLOOP_RESULTS": str(own)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=dying_with_parent(),
        )
        running.append(process)
        process.wait()
    running.remove(process)
    seconds, tests = round(time.monotonic() - started, 2), outcomes(own)
    terminal.line(
        f"  run {number}: exit {process.returncode}, {len(tests)} outcomes, {seconds:.1f} s"
    )
    happened = {"run": number, "exit_code": process.returncode}
    return happened | {"duration_s": seconds, "outcomes": tests, "same": True}
