"""`make soak`: the same command many times; every run must say the same of every test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.servers.process import dying_with_parent
from scripts.views import terminal

# {side/node id: what happened to it}
Outcomes = dict[str, str]


@dataclass(frozen=True)
class Round:
    """One run of the command; `outcomes` are those of every test in every run.json it wrote."""

    number: int
    exit_code: int
    duration_s: float
    outcomes: Outcomes


def soak(command: list[str], times: int, at_once: int) -> int:
    """Run `python -m scripts COMMAND` `times` times, `at_once` beside each other.

    Each run has a results folder of its own. `results/soak.json` has per run its exit code,
    seconds, and whether its outcomes were those of the first; the results of a run that differs are
    kept. 0 if all were equal and exited 0, else 1.
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
    first = rounds[0].outcomes
    entries, different = [], 0
    for done in rounds:
        same = done.outcomes == first
        if same and done.exit_code == 0:
            shutil.rmtree(folder / str(done.number), ignore_errors=True)
        else:
            different += 1
        outcomes = {} if same and done is not rounds[0] else {"outcomes": done.outcomes}
        entries.append(
            {"run": done.number, "exit_code": done.exit_code, "duration_s": done.duration_s}
            | outcomes
            | {"same": same}
        )
    data = {"command": command, "times": times, "at_once": at_once, "runs": entries}
    results.write_json(RESULTS / "soak.json", data)
    seconds = [done.duration_s for done in rounds]
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
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts", *command],
        cwd=ROOT,
        env=os.environ | {"WRONGLOOP_RESULTS": str(own)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        preexec_fn=dying_with_parent(),
    )
    running.append(process)
    output, _ = process.communicate()
    running.remove(process)
    (own / "command.txt").write_text(output, "utf-8")
    outcomes: Outcomes = {}
    for path in sorted(own.glob("*/run.json")):
        for test in results.read(path).tests.values():
            error_type = test.error.type if test.error else ""
            happened = (test.outcome, test.phase, test.kind, test.driver, error_type)
            outcomes[f"{path.parent.name}/{test.nodeid}"] = " ".join(map(str, happened))
    took = round(time.monotonic() - started, 2)
    terminal.line(
        f"  run {number}: exit {process.returncode}, {len(outcomes)} outcomes, {took:.1f} s"
    )
    return Round(number, process.returncode, took, outcomes)
