"""Every message of the catalogue, made by a real run: here, or in the zoo."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from conftest import run_pytest

from whichloop import messages as catalogue

ZOO = Path(__file__).parent.parent / "zoo"
INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
"""

FUTURE = """
import asyncio
import pytest

@pytest.fixture
async def future():
    return asyncio.get_running_loop().create_future()

"""

RUNS = {
    "future-belongs": FUTURE
    + "async def test_a(future):\n    await asyncio.gather(asyncio.sleep(0), future)\n",
    "await-not-used": FUTURE
    + """
async def test_a(future):
    class Again:
        def __await__(self):
            yield from future
    with pytest.raises(RuntimeError):
        await Again()
    await Again()
""",
    "transaction-in-error": """
import os
import asyncpg
import pytest

@pytest.fixture
async def connection():
    connection = await asyncpg.connect("postgresql:" + os.environ["WL_POSTGRES"])
    yield connection
    connection.terminate()

async def test_a(connection):
    transaction = connection.transaction()
    with pytest.raises(RuntimeError):
        await transaction.start()
    await transaction.rollback()
""",
    "nested-run": """
import asyncio

async def test_a():
    coroutine = asyncio.sleep(0)
    try:
        asyncio.get_running_loop().run_until_complete(coroutine)
    finally:
        coroutine.close()
""",
    "missing-greenlet": """
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

async def test_a():
    engine = create_async_engine("sqlite+aiosqlite://")
    engine.sync_engine.connect()
""",
}


@pytest.mark.parametrize("message", list(RUNS))
def test_a_real_run_makes_the_message(message, tmp_path, running_servers):
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "pytest.ini").write_text(INI)
    (folder / "test_a.py").write_text(RUNS[message])

    run = run_pytest(folder, env=running_servers.need("postgres"))

    assert run.failed == {"test_a.py::test_a"}, run.out
    assert [one["message"] for one in run.findings] == [message], run.out


def test_no_message_is_without_a_run():
    expected = [tomllib.loads(path.read_text()) for path in ZOO.glob("*/expected.toml")]
    made = {one.get("finding", {}).get("message") for one in expected} | set(RUNS)

    assert {message.id for message in catalogue.MESSAGES} <= made
