"""Measure what whichloop costs: paired runs with and without the plugin, medians of the ratios.

    python bench/whichloop_bench.py [--tests 2000] [--pairs 9] [--collected 5000]
                                    [--only trivial|pooled|audit|memory] [--kept 20000]

Two suites: trivial async tests, and tests that each check out a pooled connection; and the audit of
a third, of 100 files with fixtures, against collecting that alone. Each pair runs both ways, in
alternating order, so that a slow moment of the machine meets both. What is compared is processor
time (user and system, of pytest alone), which other programs shake less than the clock; the ratio
by the clock is printed beside it. Then a larger suite, whose every test makes a
loop, an engine and a crossing: what of them is alive at its end, with and without whichloop, and
how large whichloop's own tables are. The exit status is 1 if a median is above its limit (1.03,
1.05 and 1.10) or anything is kept.

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

# The options of both runs of a pair.
RUNS = {"on": [], "off": ["-p", "no:whichloop"]}
COLLECTIONS = {"on": ["--whichloop-audit"], "off": ["--collect-only"]}
LIMITS = {"trivial": 1.03, "pooled": 1.05, "audit": 1.10}
FILES = 100  # of the suite that is only collected
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
APP = """import redis.asyncio

cache = redis.asyncio.Redis()

async def read(key):
    return await cache.get(key)
"""
CONFTEST = """import app
import pytest

@pytest.fixture(scope="session")
def settings():
    return {}

@pytest.fixture
async def client(settings):
    yield app.cache

@pytest.fixture
async def user(client):
    return await app.read("user")
"""
COLLECTED = """
async def test_{number}(user, settings):
    assert await app.read("{number}") is None
"""
_TOOK = re.compile(r"(\d+) (?:passed|tests collected|collected tests)")


class Cost(NamedTuple):
    """One run: seconds of the processor, and of the clock."""

    processor: float
    clock: float


def once(folder: Path, options: list[str], tests: int, env: dict[str, str]) -> Cost:
    """What one run of the suite takes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, **env, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    took = _TOOK.search(done.stdout)
    audited = 1 if "--whichloop-audit" in options else 0  # it finds the client of app.py
    if done.returncode != audited or took is None or int(took.group(1)) != tests:
        raise SystemExit(f"the suite did not pass with {options}:\n{done.stdout[-2000:]}")
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(spent, ended - started)


def measure(name: str, tests: int, pairs: int, env: dict[str, str]) -> list[Cost]:
    """The ratios of paired runs of one suite."""
    modes = COLLECTIONS if name == "audit" else RUNS
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        lay_out(name, tests, folder)
        for mode in modes.values():  # compiles what is imported
            once(folder, mode, tests, env)
        ratios = []
        for number in range(pairs):
            order = ("on", "off") if number % 2 else ("off", "on")
            took = {mode: once(folder, modes[mode], tests, env) for mode in order}
            on, off = took["on"], took["off"]
            ratios.append(Cost(on.processor / off.processor, on.clock / off.clock))
            print(
                f"  {name}: processor off {off.processor:.2f} s, on {on.processor:.2f} s, ratio "
                f"{ratios[-1].processor:.3f}; clock {off.clock:.2f} s, {on.clock:.2f} s, "
                f"{ratios[-1].clock:.3f}",
                flush=True,
            )
        return ratios


def lay_out(name: str, tests: int, folder: Path) -> None:
    """Write one of the three suites into a folder."""
    scope = "session" if name == "pooled" else "function"
    (folder / "pytest.ini").write_text(INI.format(scope=scope))
    if name != "audit":
        text = TRIVIAL if name == "trivial" else POOLED
        (folder / "test_bench.py").write_text(text.format(tests=tests))
        return
    (folder / "app.py").write_text(APP)
    (folder / "conftest.py").write_text(CONFTEST)
    for number in range(FILES):
        inside = range(number, tests, FILES)
        texts = ["import app\n", *(COLLECTED.format(number=test) for test in inside)]
        (folder / f"test_{number}.py").write_text("\n".join(texts))


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
    parser.add_argument("--collected", type=int, default=5000, help="tests of the audit's suite")
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
            tests = options.collected if name == "audit" else options.tests
            ratios = measure(name, tests, options.pairs, env)
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
