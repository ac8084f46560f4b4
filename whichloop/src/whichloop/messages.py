"""The messages that several event loops produce, as data.

``nature`` is what a message alone tells: "loop" is always about two loops (or a closed one),
"maybe" needs the recording to decide, "other" only looks as if it were. ``hints`` name the driver
by other words of the same traceback, ``sure`` is how far the text alone carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The closed list of causes, with the sentence that says each.
CAUSES = {
    "loop scope mismatch": "two loop scopes: the one that prepared it and the one that used it",
    "object outlives its loop": "the object was kept longer than the event loop it belongs to",
    "second loop in a thread": "another thread runs an event loop of its own",
    "TestClient portal": "the test client runs the app on an event loop in a thread of its own",
    "two plugins": "two pytest plugins each run an event loop of their own",
    "asyncio.run repeated": "each asyncio.run() makes a new event loop and closes it",
    "not a loop problem": "the message looks like it, but no second event loop is involved",
    "unknown": "the cause is not known",
}


@dataclass(frozen=True)
class Message:
    """One entry: ``pattern`` is searched in ``Type: text`` of each exception of a chain."""

    id: str
    pattern: str
    nature: str
    says: str
    cause: str
    sure: str
    hints: tuple[tuple[str, str], ...] = ()

    def match(self, text: str) -> re.Match[str] | None:
        return re.search(self.pattern, text)


_DRIVER_HINTS = (
    (r"_chain_future|[\\/]motor[\\/]", "motor"),
    (r"_on_waiter_completed|[\\/]sqlalchemy[\\/]", "sqlalchemy"),
    (r"[\\/]asyncpg[\\/]|asyncpg\.", "asyncpg"),
    (r"[\\/]pymongo[\\/]|AsyncMongoClient", "pymongo"),
    (r"[\\/]redis[\\/]", "redis"),
    (r"[\\/]httpcore[\\/]|[\\/]httpx[\\/]", "httpx"),
    (r"[\\/]aiohttp[\\/]", "aiohttp"),
    (r"[\\/]grpc[\\/]", "grpc"),
    (r"[\\/]psycopg_pool[\\/]", "psycopg_pool"),
)

MESSAGES = (
    Message(
        "different-loop",
        r"got Future .*attached to a different loop",
        "loop",
        "a task on one event loop waited for a future of another",
        "loop scope mismatch",
        "sure of two loops; which mismatch needs a run with the plugin",
        _DRIVER_HINTS,
    ),
    Message(
        "loop-closed",
        r"RuntimeError: Event loop is closed",
        "loop",
        "something was kept after its event loop was closed, and used again",
        "object outlives its loop",
        "sure of a closed loop; what kept the object needs a run with the plugin",
        _DRIVER_HINTS,
    ),
    Message(
        "mongo-different-loop",
        r"Cannot use AsyncMongoClient in different event loop",
        "loop",
        "an AsyncMongoClient was used on another loop than that of its first operation",
        "loop scope mismatch",
        "sure of two loops and of the client",
        (("AsyncMongoClient", "pymongo"),),
    ),
    Message(
        "bound-to-different-loop",
        r"is bound to a different event loop",
        "loop",
        "an asyncio lock, event or queue was waited for on another loop than its own",
        "object outlives its loop",
        "sure of two loops and of the kind of object",
        (("asyncio", "asyncio"),),
    ),
    Message(
        "future-belongs",
        r"The future belongs to a different loop than the one specified",
        "loop",
        "a future of one loop was passed to shield, wait_for or gather on another",
        "loop scope mismatch",
        "sure of two loops",
        (("future", "asyncio"),),
    ),
    Message(
        "await-not-used",
        r"await wasn't used with future",
        "maybe",
        "a future that an earlier loop had begun to wait for was awaited again",
        "object outlives its loop",
        "likely: the same future awaited after a first failure",
        (("future", "asyncio"),),
    ),
    Message(
        "operation-in-progress",
        r"cannot perform operation: another operation is in progress",
        "maybe",
        "one database connection was asked for a second operation before the first had ended",
        "not a loop problem",
        "undecided: two tasks on one connection, or what is left after a use on another loop",
        (("asyncpg", "asyncpg"), ("sqlalchemy", "sqlalchemy")),
    ),
    Message(
        "transaction-in-error",
        r"cannot rollback; the transaction is in error state",
        "maybe",
        "a rollback hides the first error (SQLAlchemy 2.1.0 to 2.1.3 did this to loop errors)",
        "object outlives its loop",
        "undecided: read the error above it",
        (("sqlalchemy", "sqlalchemy"),),
    ),
    Message(
        "handler-closed",
        r"unable to perform operation on <\w+ closed=True .*the handler is closed",
        "loop",
        "a connection of a closed uvloop loop was used",
        "object outlives its loop",
        "sure of a closed loop",
        _DRIVER_HINTS,
    ),
    Message(
        "scope-mismatch",
        r"ScopeMismatch: You tried to access the \w+ scoped "
        r"fixture (_\w+_scoped_runner|event_loop|\S*<event_loop>)",
        "loop",
        "an async fixture is cached for longer than the event loop it runs on lives",
        "loop scope mismatch",
        "sure",
        (("pytest", "pytest"),),
    ),
    Message(
        "pool-timeout",
        r"PoolTimeout: couldn't get a connection after",
        "maybe",
        "the pool gave no connection in time: all in use, or its workers' loop does not run",
        "object outlives its loop",
        "undecided: also the message of a pool that is too small",
        (("psycopg", "psycopg_pool"), ("PoolTimeout", "psycopg_pool")),
    ),
    Message(
        "timeout-outside-task",
        r"Timeout context manager should be used inside a task",
        "maybe",
        "an aiohttp session was used outside a task of the loop it was made on",
        "object outlives its loop",
        "likely: a session used on another loop",
        (("aiohttp", "aiohttp"), ("Timeout context", "aiohttp")),
    ),
    Message(
        "loop-running",
        r"Runner\.run\(\) cannot be called from a running event loop"
        r"|Cannot run the event loop while another loop is running",
        "loop",
        "an event loop was started in a thread where one runs already",
        "two plugins",
        "likely: two plugins or libraries that both drive a loop",
    ),
    Message(
        "nested-run",
        r"This event loop is already running"
        r"|asyncio\.run\(\) cannot be called from a running event loop",
        "loop",
        "code that an event loop runs asked to start one again in the same thread",
        "asyncio.run repeated",
        "likely: asyncio.run() or run_until_complete() called inside async code",
    ),
    Message(
        "no-running-loop",
        r"RuntimeError: no running event loop|There is no current event loop",
        "other",
        "something that needs a running event loop was made where none runs",
        "not a loop problem",
        "sure",
        (("aiohttp", "aiohttp"),),
    ),
    Message(
        "session-concurrency",
        r"concurrent operations are not permitted|IllegalStateChangeError",
        "other",
        "two tasks used one SQLAlchemy session at the same time",
        "not a loop problem",
        "sure",
        (("sqlalchemy", "sqlalchemy"),),
    ),
    Message(
        "too-many-clients",
        r"sorry, too many clients already|remaining connection slots are reserved",
        "other",
        "the database server has no connection left: engines or pools were not disposed",
        "not a loop problem",
        "sure",
        (("asyncpg", "asyncpg"), ("psycopg", "psycopg"), ("", "postgres")),
    ),
    Message(
        "missing-greenlet",
        r"greenlet_spawn has not been called",
        "other",
        "SQLAlchemy was asked for a lazy load outside await; the event loop is not involved",
        "not a loop problem",
        "sure",
        (("", "sqlalchemy"),),
    ),
)


def find(texts: Iterable[str]) -> tuple[Message, str] | None:
    """The entry that fits best, with the text it fits: "loop" messages before "maybe" ones,
    and both before "other", wherever in the chain they stand."""
    lines = list(texts)
    for nature in ("loop", "maybe", "other"):
        for text in lines:
            for message in MESSAGES:
                if message.nature == nature and message.match(text):
                    return message, text
    return None


def driver_hint(message: Message, text: str) -> str | None:
    """The driver that other words of a log point to, or None."""
    for pattern, driver in message.hints:
        if re.search(pattern, text):
            return driver
    return None
