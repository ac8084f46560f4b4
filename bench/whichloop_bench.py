"""Measure what whichloop costs: paired runs with and without the plugin, medians of the ratios.

    python bench/whichloop_bench.py [--tests 2000] [--pairs 9] [--only trivial|pooled|memory]
                                    [--kept 20000]

Two suites: trivial async tests, and tests that each check out a pooled connection. Each pair runs
both ways, in alternating order, so that a slow moment of the machine meets both. What is compared
is processor time (user and system, of pytest alone), which other programs shake less than the
clock; the ratio by the clock is printed beside it. Then a larger suite, whose every test makes a
loop, an engine and a crossing: what of them is alive at its end, with and without whichloop, and
how large whichloop's own tables are. The exit status is 1 if a median is above its limit (1.03 and
1.05) or anything is kept.

On a machine that others use, even processor times differ by more than the limits.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "whichloop"))

import memory
import servers

MODES = {"explain": [], "off": ["-p", "no:whichloop"]}
LIMITS = {"trivial": 1.03, "pooled": 1.05}
INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
"""
TRIVIAL = """import pytest

@pytest.mark.parametrize("number", range({tests}))
async def test_nothing(number):
    pass
"""
POOLED = """import os

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"])
query = sqlalchemy.text("select 1")

@pytest.mark.parametrize("number", range({tests}))
async def test_checkout(number):
    async with engine.connect() as connection:
        assert (await connection.execute(query)).scalar() == 1
"""
_TOOK = re.compile(r"(\d+) passed in ([\d.]+)s")


class Cost(NamedTuple):
    """One run: seconds of the processor, and of the clock."""

    processor: float
    clock: float


def once(folder: Path, mode: str, tests: int, env: dict[str, str]) -> Cost:
    """What one run of the suite takes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MODES[mode]],
        cwd=folder,
        env={**os.environ, **env, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    took = _TOOK.search(done.stdout)
    if done.returncode or took is None or int(took.group(1)) != tests:
        raise SystemExit(f"the suite did not pass, whichloop {mode}:\n{done.stdout[-2000:]}")
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(spent, ended - started)


def measure(name: str, tests: int, pairs: int, env: dict[str, str]) -> list[Cost]:
    """The ratios of paired runs of one suite."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        lay_out(name, tests, folder)
        once(folder, "off", tests, env)
        ratios = []
        for number in range(pairs):
            order = ("explain", "off") if number % 2 else ("off", "explain")
            took = {mode: once(folder, mode, tests, env) for mode in order}
            on, off = took["explain"], took["off"]
            ratios.append(Cost(on.processor / off.processor, on.clock / off.clock))
            print(
                f"  {name}: processor off {off.processor:.2f} s, on {on.processor:.2f} s, ratio "
                f"{ratios[-1].processor:.3f}; clock {off.clock:.2f} s, {on.clock:.2f} s, "
                f"{ratios[-1].clock:.3f}",
                flush=True,
            )
        return ratios


def lay_out(name: str, tests: int, folder: Path) -> None:
    """Write one of the two suites into a folder."""
    scope, text = ("function", TRIVIAL) if name == "trivial" else ("session", POOLED)
    (folder / "pytest.ini").write_text(INI.format(scope=scope))
    (folder / "test_bench.py").write_text(text.format(tests=tests))


def kept(tests: int) -> bool:
    """Print what is alive at the end of a suite of ``tests``; is it what is without whichloop?"""
    off, on, half = (memory.kept(tests, "off"), memory.kept(tests), memory.kept(tests // 2))
    print(f"memory, alive after {tests} tests, without whichloop and with it:")
    for name in off.alive:
        print(f"  {name}: {off.alive[name]}, {on.alive[name]}")
    print(f"  entries in whichloop's tables: {on.entries}; after {tests // 2} tests {half.entries}")
    print(f"  process at its largest: {off.peak_mb:.0f} MB, {on.peak_mb:.0f} MB")
    return off.alive == on.alive and on.entries <= half.entries + memory.SLACK


def main() -> int:
    """Measure what was asked for; 1 if anything is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--kept", type=int, default=20000, help="tests of the memory's suite")
    parser.add_argument("--only", choices=(*LIMITS, "memory"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its server ends with it
    failed = False
    for name, limit in LIMITS.items():
        if options.only not in (None, name):
            continue
        with ExitStack() as stack:
            env = {}
            if name == "pooled":
                env = stack.enter_context(servers.databases())
            ratios = measure(name, options.tests, options.pairs, env)
        ratio = statistics.median(one.processor for one in ratios)
        clock = statistics.median(one.clock for one in ratios)
        verdict = "within" if ratio <= limit else "ABOVE"
        failed |= ratio > limit
        print(
            f"{name}: median {ratio:.3f} of {len(ratios)} pairs (processor time), {verdict} its "
            f"limit {limit}; by the clock {clock:.3f}"
        )
    if options.only in (None, "memory"):
        failed |= not kept(options.kept)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
