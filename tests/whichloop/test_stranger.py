"""whichloop as somebody else meets it: the wheel, in an environment with nothing of ours."""

import os
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.support import commands, environments

SUITE = """\
import os, asyncpg, pytest, pytest_asyncio

@pytest_asyncio.fixture(loop_scope="session")
async def connection():
    connection = await asyncpg.connect("postgresql:" + os.environ["WL_POSTGRES"])
    yield connection

@pytest.mark.asyncio
async def test_select(connection):
    assert await connection.fetchval("select 1") == 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory, wheel) -> Path:
    """A folder with an environment: pytest, pytest-asyncio, a driver and whichloop's wheel."""
    home = tmp_path_factory.mktemp("stranger")
    python = environments.make(home / "venv", sys.executable, "pytest-asyncio-1.4")
    environments.install(python, "--no-deps", "--offline", str(wheel))
    (site,) = (home / "venv").glob("lib/python*/site-packages")
    (site / "asyncpg").symlink_to(Path(asyncpg.__file__).parent)
    return home


def run(home: Path, *command: str, **env: str) -> commands.Done:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    program = str(home / "venv/bin" / command[0])
    return commands.run([program, *command[1:]], cwd=home, env=plain | env)


def test_a_ten_line_suite_that_fails_explains_itself(home, urls_of):
    assert len(SUITE.splitlines()) <= 11
    (home / "test_ten_lines.py").write_text(SUITE)
    url = urls_of("postgres")["WL_POSTGRES"]

    done = run(home, "python", "-m", "pytest", "-p", "no:cacheprovider", WL_POSTGRES=url)

    words = " ".join(done.out.split())
    assert done.code == 1, done.output
    assert "- whichloop: 1 cause behind 1 failure -" in done.out
    assert "asyncpg.Connection, built at test_ten_lines.py:5 by fixture connection" in words
    assert "loop A, the session loop" in words
    assert "test_select ran on loop B, its own function loop" in words
    assert "used it at test_ten_lines.py:10" in words
    assert "So loop scope mismatch" in words
    assert (
        "asyncio_default_test_loop_scope = session (in a new pytest.ini, below [pytest]) "
        "or give the fixture" in words
    )
    assert "remedy" not in words  # a number of a repository that this reader has never seen


def test_the_command_is_there_and_nothing_else_of_ours(home):
    (home / "ci.log").write_text("RuntimeError: Event loop is closed\n")

    assert "object outlives its loop" in run(home, "whichloop", "explain", "ci.log").out
    missing = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    names = ("motor", "sqlalchemy", "scripts", "suite", "shared_app", "rich")
    assert run(home, "python", "-c", missing.format(names)).out == "[]\n"


@pytest.mark.parametrize(
    ("side", "code", "words"),
    [
        ("broken", 1, "WL001 loop scope mismatch: fixture test_db runs on a session loop"),
        ("fixed/09_session_loop_for_all", 0, "0 loop problems, 1 note in 30 collected tests"),
    ],
)
def test_the_audit_of_a_side_of_this_repository(side, code, words, urls_of):
    done = commands.pytest(side, "--whichloop-audit", **urls_of("postgres"))

    assert words in done.must_exit(code).out
    audit = done.out.partition("whichloop audit")[2].partition("=====")[0]
    assert max(map(len, audit.splitlines())) <= 80
