"""`make bench`: what containers cost a command beyond the embedded pair, part by part."""

from __future__ import annotations

import statistics
import time

from scripts.errors import CommandError
from scripts.paths import RESULTS
from scripts.run import results
from scripts.run.side import run_side
from scripts.servers import engine
from scripts.servers.client import running
from scripts.servers.compose import program
from scripts.servers.images import images
from scripts.sides import manifest
from scripts.views import terminal

Seconds = dict[str, float]


def bench(times: int) -> int:
    """Run broken/ `times` times on each backend, in turn; saved in `results/bench.json`.

    The parts are timed apart: start (until both servers answered), run (pytest), stop.
    """
    found = engine.find(images())
    if found.why_not or found.missing:
        raise CommandError(
            f"nothing to compare with: {found.why_not or 'make pull fetches the images'}",
            hint="make doctor",
        )
    backends = ["embedded", "testcontainers", *(["compose"] if program() else [])]
    seen: dict[str, list[Seconds]] = {backend: [] for backend in backends}
    side = manifest.load().get("broken")
    for number in range(times):
        for backend in backends:
            seen[backend].append(once(backend, side))
        terminal.say(f"round {number + 1} of {times}")
    medians = {backend: median(rounds) for backend, rounds in seen.items()}
    for backend, parts in medians.items():
        words = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in parts.items())
        terminal.say(f"{backend:14} {words}, in all {sum(parts.values()):.2f} s")
    base = medians.pop("embedded")
    for backend, parts in medians.items():
        more = {part: parts[part] - base[part] for part in parts}
        words = ", ".join(f"{part} {seconds:+.2f} s" for part, seconds in more.items())
        ratio = sum(parts.values()) / sum(base.values())
        terminal.say(f"{backend} over embedded: {words}; {ratio:.2f} × in all")
    results.write_json(RESULTS / "bench.json", {"times": times, "rounds": seen})
    terminal.say("Medians. Written: results/bench.json")
    return 0


def once(backend: str, side: manifest.Side) -> Seconds:
    """One run, by the parts that it takes time for."""
    begun = time.monotonic()
    with running(backend) as guardian:
        started = time.monotonic()
        run_side(side, guardian, lambda line: None)
        run = time.monotonic()
    ended = time.monotonic()
    return {"start": started - begun, "run": run - started, "stop": ended - run}


def median(rounds: list[Seconds]) -> Seconds:
    """The median of each part."""
    return {part: statistics.median(each[part] for each in rounds) for part in rounds[0]}
