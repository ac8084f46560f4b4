"""Every message of the catalogue, as a real driver raised it, and made anew by a run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from conftest import run_pytest
from whichloop.diagnose.causes import CAUSES
from whichloop.logs import read_log

from whichloop import messages

ZOO = Path(__file__).parent.parent / "zoo"
TASK = "RuntimeError: Task <Task pending name='Task-2' coro=<test_list() running at test_a.py:6> "
TASK += "cb=[_run_until_complete_cb() at asyncio/base_events.py:180]> got Future <Future pending"
# (entry, driver of a callback or of the message alone, what raised it, the message): from runs of
# the zoo and of RUNS below on Python 3.11.7, addresses and folders shortened.
RAISED = [
    (
        "different-loop",
        "motor",
        "Motor 3.7.1",
        f"{TASK} cb=[_chain_future.<locals>._call_check_cancel() at asyncio/futures.py:387]> "
        "attached to a different loop",
    ),
    (
        "different-loop",
        "asyncpg",
        "SQLAlchemy 2.1.9 on asyncpg 0.32.0",
        f"{TASK} cb=[BaseProtocol._on_waiter_completed()]> attached to a different loop",
    ),
    ("different-loop", None, "redis-py 8.1.0", f"{TASK}> attached to a different loop"),
    ("loop-closed", None, "Motor 3.7.1, httpx 0.28.1", "RuntimeError: Event loop is closed"),
    (
        "mongo-different-loop",
        "pymongo",
        "PyMongo 4.20.0",
        "RuntimeError: Cannot use AsyncMongoClient in different event loop. AsyncMongoClient uses "
        "low-level asyncio APIs that bind it to the event loop it was created on.",
    ),
    (
        "bound-to-different-loop",
        "asyncio",
        "asyncio.Queue",
        "RuntimeError: <Queue at 0x7f791176ee90 maxsize=0 tasks=1> is bound to a different event "
        "loop",
    ),
    (
        "future-belongs",
        "asyncio",
        "asyncio.gather",
        "ValueError: The future belongs to a different loop than the one specified as the loop "
        "argument",
    ),
    ("await-not-used", "asyncio", "asyncio", "RuntimeError: await wasn't used with future"),
    (
        "operation-in-progress",
        "asyncpg",
        "asyncpg 0.32.0",
        "InterfaceError: cannot perform operation: another operation is in progress",
    ),
    (
        "transaction-in-error",
        "asyncpg",
        "asyncpg 0.32.0",
        "InterfaceError: cannot rollback; the transaction is in error state",
    ),
    (
        "handler-closed",
        None,
        "asyncpg 0.32.0 on uvloop 0.23.0",
        "RuntimeError: unable to perform operation on <TCPTransport closed=True reading=False "
        "0x563a336eaae0>; the handler is closed",
    ),
    (
        "scope-mismatch",
        "pytest",
        "pytest 9.2.0 with pytest-asyncio 1.5.0",
        "Failed: ScopeMismatch: You tried to access the function scoped fixture "
        "_function_scoped_runner with a session scoped request object.",
    ),
    (
        "pool-timeout",
        "psycopg_pool",
        "psycopg_pool 3.3.3",
        "PoolTimeout: couldn't get a connection after 1.00 sec",
    ),
    (
        "timeout-outside-task",
        "aiohttp",
        "aiohttp 3.14.5",
        "RuntimeError: Timeout context manager should be used inside a task",
    ),
    (
        "loop-running",
        None,
        "asyncio.Runner, in a thread where Playwright's loop runs",
        "RuntimeError: Runner.run() cannot be called from a running event loop",
    ),
    (
        "loop-running",
        None,
        "asyncio: another loop's run_until_complete()",
        "RuntimeError: Cannot run the event loop while another loop is running",
    ),
    ("nested-run", None, "asyncio", "RuntimeError: This event loop is already running"),
    (
        "nested-run",
        None,
        "asyncio",
        "RuntimeError: asyncio.run() cannot be called from a running event loop",
    ),
    ("no-running-loop", None, "aiohttp 3.14.5", "RuntimeError: no running event loop"),
    (
        "no-running-loop",
        None,
        "asyncio.get_event_loop()",
        "RuntimeError: There is no current event loop in thread 'worker'.",
    ),
    (
        "session-concurrency",
        "sqlalchemy",
        "SQLAlchemy 2.1.9",
        "InvalidRequestError: This session is provisioning a new connection; concurrent operations "
        "are not permitted (Background on this error at: https://sqlalche.me/e/21/isce)",
    ),
    (
        "session-concurrency",
        "sqlalchemy",
        "SQLAlchemy 2.1.9",
        "IllegalStateChangeError: Method 'close()' can't be called here; method "
        "'_connection_for_bind()' is already in progress and this would cause an unexpected state "
        "change to <SessionTransactionState.CLOSED: 5>",
    ),
    (
        "too-many-clients",
        "postgres",
        "PostgreSQL 18.4",
        "TooManyConnectionsError: sorry, too many clients already",
    ),
    (
        "too-many-clients",
        "postgres",
        "PostgreSQL 18.4, a role that is no superuser",
        "TooManyConnectionsError: remaining connection slots are reserved for roles with the "
        "SUPERUSER attribute",
    ),
    (
        "missing-greenlet",
        "sqlalchemy",
        "SQLAlchemy 2.1.9",
        "MissingGreenlet: greenlet_spawn has not been called; can't call await_() here.",
    ),
]
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

    assert {message.id for message in messages.MESSAGES} <= made


@pytest.mark.parametrize(("entry", "driver", "raised_by", "text"), RAISED)
def test_a_pattern_holds_what_a_real_driver_raised(entry, driver, raised_by, text):
    message, found = messages.find([text])
    reading = read_log(text)

    assert (message.id, found) == (entry, text), raised_by
    assert messages.driver_hint(message, text) == driver
    assert messages.kind_of(text) == message.kind
    assert [one.id for one, _ in reading.messages] == [entry]
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
    message = messages.MESSAGES[0]

    assert messages.driver_of(text) == "asyncpg"
    assert messages.driver_hint(message, text) == "asyncpg"
    line = 'File "/venv/lib/sqlalchemy/pool/base.py", line 9'
    assert messages.driver_hint(message, f"{line}\n{text}") == "sqlalchemy"
