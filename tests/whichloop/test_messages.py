"""Every message of the catalogue, as a real driver raised it, and made anew by a run."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import ZOO, ini, run_suite
from whichloop.diagnose.causes import CAUSES
from whichloop.logs import read_log

from whichloop import messages

RAISED = [
    line.split(" | ", 3)
    for line in Path(__file__).with_name("raised.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]

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
def test_a_real_run_makes_the_message(message, tmp_path, urls_of):
    run = run_suite(tmp_path / "suite", env=urls_of("postgres"), ini=ini(), test_a=RUNS[message])

    assert run.failed == {"test_a.py::test_a"}, run.out
    assert [finding["message"] for finding in run.findings] == [message], run.out


def test_no_message_is_without_a_run():
    expected = [tomllib.loads(path.read_text()) for path in ZOO.glob("*/expected.toml")]
    made = {suite.get("finding", {}).get("message") for suite in expected} | set(RUNS)

    assert {message.id for message in messages.MESSAGES} <= made


@pytest.mark.parametrize(("entry", "driver", "raised_by", "text"), RAISED)
def test_a_pattern_holds_what_a_real_driver_raised(entry, driver, raised_by, text):
    message, matching = messages.find([text])
    reading = read_log(text)

    assert (message.id, matching) == (entry, text), raised_by
    assert (messages.driver_hint(message, text) or "-") == driver
    assert messages.kind_of(text) == message.kind
    assert [message.id for message, _ in reading.messages] == [entry]
    assert CAUSES[reading.cause.name] is reading.cause


def test_every_part_of_every_pattern_was_raised():
    """A pattern may be of several texts: each of them is one that something raises."""
    texts = [text for _, _, _, text in RAISED]
    parts = [
        part
        for message in messages.MESSAGES
        for part in (message.pattern.split("|") if "(" not in message.pattern else [])
    ]

    assert [part for part in parts if not any(re.search(part, text) for text in texts)] == []


def test_the_callback_is_asyncpgs_and_the_object_may_be_an_engine():
    """Of a future nothing but its callback is left; a line of SQLAlchemy's in the same log tells
    that the program holds an engine."""
    text = next(text for _, driver, _, text in RAISED if driver == "asyncpg")
    line = 'File "/venv/lib/sqlalchemy/pool/base.py", line 9'

    assert messages.driver_hint(messages.MESSAGES[0], f"{line}\n{text}") == "sqlalchemy"
