"""What is alive at the end of a suite: its loops, engines, locks and tracebacks, and the tracker's
own tables. Used by the tests with a small suite, by `make bench-whichloop` with a large one."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Tables of a fixed length may fill up a little more in a longer suite.
SLACK = 64
SUITE = """
import asyncio

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

async def take(lock):
    await lock.acquire()

@pytest.fixture
async def lock():
    lock = asyncio.Lock()
    await lock.acquire()
    waiting = asyncio.ensure_future(take(lock))
    await asyncio.sleep(0)
    yield lock
    waiting.cancel()

@pytest.mark.parametrize("number", range({tests}))
async def test_everything(number, lock):
    engine = create_async_engine("sqlite+aiosqlite://")
    with pytest.raises(RuntimeError, match="is bound to a different event loop"):
        await take(lock)
    assert engine
"""
CONFTEST = """
import asyncio, collections, gc, json, os, resource, sys, types

import pytest
import sqlalchemy.ext.asyncio

def entries():
    if "whichloop.observe.tracker" not in sys.modules:
        return 0
    tracker = sys.modules["whichloop.observe.tracker"].TRACKER
    parts = tracker, tracker.loops, tracker.objects, tracker.scene
    held = [value for part in parts for value in vars(part).values()]
    return sum(len(o) for o in held if isinstance(o, (dict, list, set, collections.deque)))

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    gc.collect()
    kinds = {{
        "event loops": asyncio.BaseEventLoop,
        "engines": sqlalchemy.ext.asyncio.AsyncEngine,
        "locks": asyncio.Lock,
        "tasks": asyncio.Task,
        "tracebacks": types.TracebackType,
    }}
    objects = gc.get_objects()
    alive = {{name: sum(isinstance(o, kind) for o in objects) for name, kind in kinds.items()}}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with open(os.environ["WL_KEPT"], "w") as file:
        json.dump({{"alive": alive, "entries": entries(), "peak_mb": peak}}, file)
"""
INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = function
"""


@dataclass(frozen=True)
class Kept:
    """``alive`` counts objects by kind, ``entries`` those of the tracker's tables."""

    alive: dict[str, int]
    entries: int
    peak_mb: float


def kept(tests: int, mode: str = "explain") -> Kept:
    """Run a suite of ``tests`` tests, each with a loop, an engine and a crossing of its own."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "pytest.ini").write_text(INI)
        (folder / "conftest.py").write_text(CONFTEST.format())
        (folder / "test_kept.py").write_text(SUITE.format(tests=tests))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--whichloop={mode}"],
            cwd=folder,
            env={**os.environ, "WL_KEPT": str(folder / "kept.json"), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the suite did not pass:\n{done.stdout[-2000:]}")
        return Kept(**json.loads((folder / "kept.json").read_text()))
