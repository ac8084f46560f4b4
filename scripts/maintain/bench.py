"""`make bench`: what containers cost a command beyond the embedded pair, part by part."""

import statistics
import time

from scripts.errors import CommandError
from scripts.paths import RESULTS
from scripts.run import results
from scripts.run.side import run_side
from scripts.servers import engine
from scripts.servers.client import running
from scripts.servers.compose import program
from scripts.servers.engine import images
from scripts.sides import manifest
from scripts.views import terminal

Seconds = dict[str, float]


def bench(times: int) -> int:
    """Run broken/ `times` times on each backend, in turn; saved in `results/bench.json`.

    The parts are timed apart: start (until both servers answered), run (pytest), stop.
    """
    docker = engine.find(images())
    if docker.why_not or docker.missing:
        raise CommandError(
            f"nothing to compare with: {docker.why_not or 'make pull fetches the images'}",
            hint="make doctor",
        )
    backends = ["embedded", "testcontainers", *(["compose"] if program() else [])]
    rounds: dict[str, list[Seconds]] = {backend: [] for backend in backends}
    side = manifest.load().get("broken")
    for number in range(times):
        for backend in backends:
            rounds[backend].append(run_once(backend, side))
        terminal.line(f"round {number + 1} of {times}")
    base: Seconds = {}
    lines = []
    for backend, parts in rounds.items():
        medians = {part: statistics.median(times[part] for times in parts) for part in parts[0]}
        base = base or medians
        words = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in medians.items())
        terminal.line(f"{backend:14} {words}, in all {sum(medians.values()):.2f} s")
        more = ", ".join(f"{part} {medians[part] - base[part]:+.2f} s" for part in base)
        ratio = sum(medians.values()) / sum(base.values())
        lines.append(f"{backend} over embedded: {more}; {ratio:.2f} × in all")
    for line in lines[1:]:
        terminal.line(line)
    results.write_json(RESULTS / "bench.json", {"times": times, "rounds": rounds})
    terminal.line("Medians. Written: results/bench.json")
    return 0


def run_once(backend: str, side: manifest.Side) -> Seconds:
    begun = time.monotonic()
    with running(backend) as guardian:
        started = time.monotonic()
        run_side(side, lambda line: None, guardian)
        run = time.monotonic()
    ended = time.monotonic()
    return {"start": started - begun, "run": run - started, "stop": ended - run}
