"""Measure what whichloop costs: paired runs with and without the plugin, medians of the ratios.

    python bench/whichloop_bench.py [--tests 2000] [--pairs 5] [--only trivial|pooled] [--count]

Two suites: trivial async tests, and tests that each check out a pooled connection. Each pair runs
both ways, in alternating order, so that a slow moment of the machine meets both. The exit status
is 1 if a median is above its limit (1.03 and 1.05).

On a machine that others use, times differ by more than the limits. ``--count`` counts the trivial
suite's instructions under valgrind instead, which gives the same answer every time: two sizes of
the suite are run, and the cost of a start and of a test read from them.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "whichloop"))

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


def once(folder: Path, mode: str, tests: int, env: dict[str, str]) -> float:
    """Seconds of one run, as the processor spent them in it: less shaken than the clock."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MODES[mode]],
        cwd=folder,
        env={**os.environ, **env, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    after = os.times()
    took = _TOOK.search(done.stdout)
    if done.returncode or took is None or int(took.group(1)) != tests:
        raise SystemExit(f"the suite did not pass, whichloop {mode}:\n{done.stdout[-2000:]}")
    spent = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return spent if not env else float(took.group(2))


def measure(name: str, tests: int, pairs: int, env: dict[str, str]) -> list[float]:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        scope = "function" if name == "trivial" else "session"
        text = TRIVIAL if name == "trivial" else POOLED
        (folder / "pytest.ini").write_text(INI.format(scope=scope))
        (folder / "test_bench.py").write_text(text.format(tests=tests))
        once(folder, "off", tests, env)
        ratios = []
        for number in range(pairs):
            order = ("explain", "off") if number % 2 else ("off", "explain")
            took = {mode: once(folder, mode, tests, env) for mode in order}
            ratios.append(took["explain"] / took["off"])
            print(
                f"  {name}: off {took['off']:.2f} s, on {took['explain']:.2f} s, "
                f"ratio {ratios[-1]:.3f}",
                flush=True,
            )
        return ratios


def count(mode: str, tests: int, folder: Path) -> int:
    """Instructions of one run of the trivial suite."""
    (folder / "test_bench.py").write_text(TRIVIAL.format(tests=tests))
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    done = subprocess.run(
        [*command, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MODES[mode]],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"no count:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return int(found.group(1))


def counted(tests: int) -> float:
    """The ratio of instructions for ``tests`` trivial tests, from runs of 50 and 250."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "pytest.ini").write_text(INI.format(scope="function"))
        count_of = {(m, n): count(m, n, folder) for n in (50, 250) for m in ("off", "explain")}
    whole, each = {}, {}
    for mode in MODES:
        each[mode] = (count_of[mode, 250] - count_of[mode, 50]) / 200
        whole[mode] = count_of[mode, 50] + each[mode] * (tests - 50)
    print(f"  a test: ratio {each['explain'] / each['off']:.4f}")
    return whole["explain"] / whole["off"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", choices=tuple(LIMITS))
    parser.add_argument("--count", action="store_true", help="count instructions instead")
    options = parser.parse_args()
    if options.count:
        ratio = counted(options.tests)
        print(f"trivial, instructions of {options.tests} tests: ratio {ratio:.4f}, limit 1.03")
        return int(ratio > LIMITS["trivial"])
    failed = False
    for name, limit in LIMITS.items():
        if options.only not in (None, name):
            continue
        with ExitStack() as stack:
            env = {}
            if name == "pooled":
                env["WL_POSTGRES"] = stack.enter_context(servers.postgres())
            ratios = measure(name, options.tests, options.pairs, env)
        median = statistics.median(ratios)
        verdict = "within" if median <= limit else "ABOVE"
        failed |= median > limit
        print(f"{name}: median {median:.3f} of {len(ratios)} pairs, {verdict} its limit {limit}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
