"""Other versions of pytest-asyncio and pytest, and of Python where they are at hand.

``requirements/versions/`` has the pins: an environment is made of each, by uv, with whichloop's
wheel. ``WL_PYTHONS`` names interpreters, separated by colons, beside the one that runs this file.
"""

import json
import os
import sys
from pathlib import Path

import pytest
from tried import MARKED, PINS, SESSION_LOOP

from tests.support import commands, environments
from tests.support.commands import Done

PYTHONS = [sys.executable, *filter(None, os.environ.get("WL_PYTHONS", "").split(":"))]

SUITE = """
import asyncio
import pytest
import pytest_asyncio

queue = asyncio.Queue()

async def take():
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await waiting

@pytest_asyncio.fixture
async def first():
    return await take()

@pytest.mark.asyncio
async def test_one(first):
    assert await take() == 1

@pytest.mark.asyncio
async def test_two(first):
    assert await take() == 1
"""

MIXED = """
import asyncio
import pytest
import pytest_asyncio

queue = asyncio.Queue()

async def take():
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await waiting

@pytest_asyncio.fixture(scope="session")
async def first():
    return await take()

@pytest_asyncio.fixture
async def second(first):
    return await take()

@pytest.mark.asyncio
async def test_one(first, second):
    assert await take() == 1

def test_sync():
    pass
"""
STRICT = """[pytest]
filterwarnings =
    error
    ignore:.*event_loop.*:DeprecationWarning
    ignore:.*unset.*
"""
SESSION = """
import pytest
import pytest_asyncio

@pytest_asyncio.fixture(scope="session")
async def value():
    return 1

@pytest.mark.asyncio
async def test_value(value): ...
"""

TRIO = """
import trio

def test_trio():
    async def main():
        await trio.sleep(0)

    trio.run(main)
"""


def made(folder: Path, python: str, pins: str, wheel: Path) -> str:
    """A new environment with these pins and whichloop; its interpreter."""
    inside = environments.make(folder, python, pins)
    environments.install(inside, "--no-deps", "--offline", str(wheel))
    return inside


@pytest.mark.parametrize("pins", PINS)
@pytest.mark.parametrize("python", PYTHONS)
def test_this_version_is_explained_in_all_modes(python, pins, wheel, tmp_path):
    folder = tmp_path / "suite"
    inside = made(tmp_path / "venv", python, pins, wheel)
    explained_in_all_modes(inside, folder)
    by_ini = pins not in [f"pytest-asyncio-{version}" for version in ("0.21", "0.23", "0.24")]
    advice = commands.run([inside, "-m", "whichloop", "advise", "--apply"], cwd=folder)
    assert advice.must_exit(0 if by_ini else 1).out.count("by hand: ") == (0 if by_ini else 1)
    if by_ini:
        run(inside, folder).must_exit(0)


IMPORTS = """
import importlib, pkgutil, sys

import whichloop

for module in pkgutil.walk_packages(whichloop.__path__, "whichloop."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""
DRIVERS = ("sqlalchemy", "redis", "motor", "pymongo", "asyncpg", "httpx", "aiohttp", "grpc")


@pytest.mark.parametrize("pins", [PINS[0], PINS[-1]])
def test_the_wheel_in_an_empty_environment_needs_nothing_but_what_it_names(pins, wheel, tmp_path):
    """The oldest and the newest of the pins; `WL_PYTHONS` for the ends of Python's versions."""
    python = made(tmp_path / "venv", PYTHONS[0 if pins == PINS[0] else -1], pins, wheel)
    program, folder = tmp_path / "venv" / "bin" / "whichloop", tmp_path / "suite"
    checked = commands.run([environments.UV, "pip", "check", "--python", python])
    assert "All installed packages are compatible" in checked.must_exit(0).output
    imported = commands.run([python, "-c", IMPORTS, *DRIVERS, "whichloop"], cwd=tmp_path)
    assert imported.must_exit(0).out == "['whichloop']\n"

    explained_in_all_modes(python, folder)
    recorded = folder / "record.json"
    lanes = commands.run([str(program), "lanes", str(recorded)], cwd=folder).must_exit(0)
    assert "bound to A" in lanes.out
    drawn = commands.run([python, "-m", "whichloop", "lanes", str(recorded), "--svg"], cwd=folder)
    assert drawn.must_exit(0).out.startswith("<svg")
    code = commands.run([str(program), "explain", "WL003"], cwd=folder)
    assert "outlives its loop" in code.must_exit(0).out


@pytest.mark.parametrize(
    ("version", "parts", "option", "conftest"),
    [
        (
            "0.23",
            ["scope=", "_session_event_loop"],
            "",
            MARKED.format('scope="session"') + SESSION_LOOP,
        ),
        (
            "0.24",
            ["loop_scope="],
            "asyncio_default_fixture_loop_scope = session",
            MARKED.format('loop_scope="session"'),
        ),
    ],
)
def test_an_older_versions_cure_moves_coroutine_tests_and_all_fixtures(
    version, parts, option, conftest, wheel, tmp_path
):
    folder = tmp_path / "suite"
    folder.mkdir()
    python = made(tmp_path / "venv", sys.executable, f"pytest-asyncio-{version}", wheel)
    (folder / "test_a.py").write_text(MIXED)
    (folder / "pytest.ini").write_text(STRICT)
    run(python, folder, "--whichloop-record=record.json").must_exit(1)
    (cure, *_) = json.loads((folder / "record.json").read_text())["findings"][0]["cures"]
    for part in ["is_async_test(item)", "append=False", *parts, option]:
        assert part in cure["change"]
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text(f"{STRICT}{option}\n")

    assert "2 passed" in run(python, folder).must_exit(0).out


def test_a_run_of_trio_is_no_trouble(wheel, tmp_path):
    # An environment of its own: where trio is installed, anyio's plugin imports it in every run.
    python = made(tmp_path / "venv", sys.executable, "beside-trio", wheel)
    (tmp_path / "test_a.py").write_text(TRIO)

    assert "1 passed" in run(python, tmp_path, "--whichloop=strict").must_exit(0).out


def run(python: str, folder: Path, *options: str) -> Done:
    return commands.run([python, "-m", "pytest", "-p", "no:cacheprovider", *options], cwd=folder)


def explained_in_all_modes(python: str, folder: Path) -> None:
    """The suite fails as it does without whichloop, and every mode does what it says."""
    folder.mkdir()
    (folder / "test_a.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")

    done = run(python, folder, "--whichloop-record=record.json").must_exit(1)
    words = " ".join(done.out.split())
    assert "1 error" in words or "1 failed" in words
    assert "asyncio Queue" in words
    assert "the function loop of test_a.py::test_one" in words
    assert "So object outlives its loop: kept by module-level name test_a.queue" in words
    assert "switched off" not in words
    assert (folder / "record.json").exists()
    for option, code in (("=strict", 1), ("-audit", 0), ("=off", 1)):
        run(python, folder, f"--whichloop{option}").must_exit(code)
    (folder / "test_a.py").write_text(SESSION)
    assert "WL001" in run(python, folder, "--whichloop-audit").must_exit(1).out
