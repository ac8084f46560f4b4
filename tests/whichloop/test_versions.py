"""Other versions of Python, pytest and pytest-asyncio, where they are at hand.

``WL_PYTHONS`` holds the interpreters, separated by colons, each with whichloop, pytest and
pytest-asyncio installed. Without it the one that runs this file is used alone.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PYTHONS = [one for one in os.environ.get("WL_PYTHONS", "").split(":") if one] or [sys.executable]

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


@pytest.mark.parametrize("python", PYTHONS)
def test_this_version_is_explained_in_all_modes(python, tmp_path):
    (tmp_path / "test_a.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, out = run("--whichloop-record=record.json")
    words = " ".join(out.split())
    assert code == 1, out
    assert "1 error" in words or "1 failed" in words
    assert "asyncio Queue" in words
    assert "the function loop of test_a.py::test_one" in words
    assert "So object outlives its loop: kept by module-level name test_a.queue" in words
    assert "switched off" not in words
    assert (tmp_path / "record.json").exists()
    assert run("--whichloop=strict")[0] == 1
    assert run("--whichloop-audit")[0] == 0
    assert run("--whichloop=off")[0] == 1
