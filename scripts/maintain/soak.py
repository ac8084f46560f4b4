"""`make soak`: the same command many times; every run must say the same of every test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scripts.maintain.same import outcomes
from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.servers.process import dying_with_parent
from scripts.views import terminal

# One run of the command, as `soak.json` has it: run, exit_code, duration_s, outcomes (what happened
# to every test), and same: was that as in the first run?
Round = dict[str, Any]


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
