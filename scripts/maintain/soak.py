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

from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.servers.process import dying_with_parent
from scripts.views import terminal


def soak(command: list[str], times: int, at_once: int) -> int:
    """Run `python -m scripts COMMAND` `times` times, `at_once` beside each other.

    Each run has a results folder of its own. What was seen is saved in `results/soak.json`: per run
    its exit code, seconds, and whether its outcomes were those of the first; the results of a run
    that differs are kept. 0 if all were equal and exited 0, else 1.
    """
    folder = results.folder("soak")
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(at_once) as pool:
        try:
            numbers = range(1, times + 1)
            seen = list(pool.map(lambda number: once(command, folder, number, running), numbers))
        except BaseException:  # Ctrl-C among them: begin no further run, and end those begun
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise
    first = seen[0]["outcomes"]
    different = [run for run in seen if run["outcomes"] != first or run["exit_code"] != 0]
    for run in seen:
        run["same"] = run["outcomes"] == first
        if run["same"] and run["exit_code"] == 0:
            shutil.rmtree(folder / str(run["run"]), ignore_errors=True)
        if run["same"] and run is not seen[0]:
            del run["outcomes"]
    data = {"command": command, "times": times, "at_once": at_once, "runs": seen}
    results.write_json(RESULTS / "soak.json", data)
    seconds = [run["duration_s"] for run in seen]
    terminal.say(
        f"{times} runs of {' '.join(command)}, {at_once} at once: "
        f"{times - len(different)} the same and as documented, {len(different)} not; "
        f"{min(seconds):.1f} to {max(seconds):.1f} s each. Written: results/soak.json"
    )
    return 1 if different or not first else 0


def once(
    command: list[str], folder: Path, number: int, running: list[subprocess.Popen[str]]
) -> dict[str, Any]:
    """One run, and the outcome of every test in every run.json that it wrote.

    Its process is in `running` while it runs, and is killed if we are.
    """
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
    said, _ = process.communicate()
    running.remove(process)
    (own / "command.txt").write_text(said, "utf-8")
    outcomes: dict[str, str] = {}
    for path in sorted(own.glob("*/run.json")):
        for test in results.read(path).tests.values():
            error_type = test.error.type if test.error else ""
            seen = (test.outcome, test.phase, test.kind, test.driver, error_type)
            outcomes[f"{path.parent.name}/{test.nodeid}"] = " ".join(str(part) for part in seen)
    same = f"run {number}: exit {process.returncode}, {len(outcomes)} outcomes"
    terminal.say(f"  {same}, {time.monotonic() - started:.1f} s")
    return {
        "run": number,
        "exit_code": process.returncode,
        "duration_s": round(time.monotonic() - started, 2),
        "outcomes": outcomes,
    }
