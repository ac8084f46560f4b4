"""The messages that several event loops produce, as data: the one catalogue, for the plugin, for
``whichloop explain`` and for other programs (:func:`kind_of`, :func:`driver_of`)."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from whichloop.diagnose import causes
from whichloop.diagnose.case import Cause
from whichloop.diagnose.drivers import DRIVERS

Kind = Literal["different_loop", "loop_closed", "operation_in_progress"]


class Message(NamedTuple):
    """One entry. ``pattern`` is searched in ``Type: text`` of each exception of a chain; ``sure``
    is how far the text alone carries; ``driver`` raises it, where no other can; ``cures`` are those
    it calls for, whatever else was seen; ``kind`` puts those together that say the same."""

    id: str
    pattern: str
    says: str
    cause: Cause
    sure: str = "sure"
    driver: str | None = None
    kind: Kind | None = None
    cures: tuple[str, ...] = ()
    headline: str = ""

    def match(self, text: str) -> re.Match[str] | None:
        return re.search(self.pattern, text)


# A callback on the future names the library that made it, where no line of its own is left. What
# the program holds may be another's: a SQLAlchemy engine, with asyncpg's connections in it.
CALLBACKS = {"_chain_future": "motor", "_on_waiter_completed": "asyncpg"}
# Always about two loops, or a closed one.
LOOP = (
    Message(
        "different-loop",
        r"got Future .*attached to a different loop",
        "a task on one event loop waited for a future of another",
        causes.MISMATCH,
        "sure of two loops; which mismatch needs a run with the plugin",
        kind="different_loop",
    ),
    Message(
        "loop-closed",
        r"RuntimeError: Event loop is closed",
        "something was kept after its event loop was closed, and used again",
        causes.OUTLIVES,
        "sure of a closed loop; what kept the object needs a run with the plugin",
        kind="loop_closed",
    ),
    Message(
        "mongo-different-loop",
        r"Cannot use AsyncMongoClient in different event loop",
        "an AsyncMongoClient was used on another loop than that of its first operation",
        causes.MISMATCH,
        "sure of two loops and of the client",
        driver="pymongo",
        kind="different_loop",
    ),
    Message(
        "bound-to-different-loop",
        r"is bound to a different event loop",
        "an asyncio lock, event or queue was waited for on another loop than its own",
        causes.OUTLIVES,
        "sure of two loops and of the kind of object",
        driver="asyncio",
        kind="different_loop",
    ),
    Message(
        "future-belongs",
        r"The future belongs to a different loop than the one specified",
        "a future of one loop was passed to shield, wait_for or gather on another",
        causes.MISMATCH,
        "sure of two loops",
        driver="asyncio",
        kind="different_loop",
    ),
    Message(
        "handler-closed",
        r"unable to perform operation.*the handler is closed",
        "a connection of a closed uvloop loop was used",
        causes.OUTLIVES,
        "sure of a closed loop",
        kind="loop_closed",
    ),
    Message(
        "scope-mismatch",
        r"ScopeMismatch: You tried to access the \w+ scoped "
        r"fixture (_\w+_scoped_runner|event_loop|\S*<event_loop>)",
        "an async fixture is cached for longer than the event loop it runs on lives",
        causes.MISMATCH,
        driver="pytest",
        cures=("loop-as-long-as-cache", "cache-per-test"),
        headline="A fixture is kept for longer than the machinery that runs it.",
    ),
    Message(
        "loop-running",
        r"Runner\.run\(\) cannot be called from a running event loop"
        r"|Cannot run the event loop while another loop is running",
        "an event loop was started in a thread where one runs already",
        causes.TWO_PLUGINS,
        "likely: two plugins or libraries that both drive a loop",
        cures=("one-driver-of-loops", "async-interface"),
    ),
    Message(
        "nested-run",
        r"This event loop is already running"
        r"|asyncio\.run\(\) cannot be called from a running event loop",
        "code that an event loop runs asked to start one again in the same thread",
        causes.REPEATED,
        "likely: asyncio.run() or run_until_complete() called inside async code",
        cures=("await-it", "to-thread"),
    ),
)
# What else was seen decides.
MAYBE = (
    Message(
        "await-not-used",
        r"await wasn't used with future",
        "a future that an earlier loop had begun to wait for was awaited again",
        causes.OUTLIVES,
        "likely: the same future awaited after a first failure",
        driver="asyncio",
    ),
    Message(
        "operation-in-progress",
        r"another operation is in progress",
        "one database connection was asked for a second operation before the first had ended",
        causes.NOT_LOOPS,
        "undecided: two tasks on one connection, or what is left after a use on another loop",
        driver="asyncpg",
        kind="operation_in_progress",
        cures=("one-per-task",),
    ),
    Message(
        "transaction-in-error",
        r"cannot rollback; the transaction is in error state",
        "a rollback hides the first error (SQLAlchemy 2.1.0 to 2.1.3 did this to loop errors)",
        causes.OUTLIVES,
        "undecided: read the error above it",
        driver="asyncpg",
    ),
    Message(
        "pool-timeout",
        r"PoolTimeout: couldn't get a connection after",
        "the pool gave no connection in time: all in use, or its workers' loop does not run",
        causes.OUTLIVES,
        "undecided: also the message of a pool that is too small",
        driver="psycopg_pool",
    ),
    Message(
        "concurrent-use",
        # In the words of asyncio, anyio, websockets, aiohttp, libpq and MySQL's client.
        r"while another (coroutine|task|command|query|request|statement) is"
        r"|[Aa]nother (task|coroutine|command|query|request|statement) is (already|currently)"
        r"|\b[Cc]oncurrent (call|use|access|read|receive)s?\b|in use by another (task|coroutine)"
        r"|asynchronous generator is already running|coroutine is being awaited already"
        r"|Packet sequence number wrong|Commands out of sync",
        "one connection, stream or generator was asked for something by two tasks at once",
        causes.NOT_LOOPS,
        "likely: two tasks at once; what is left after a use on another loop says the same",
        kind="operation_in_progress",
        cures=("one-per-task", "one-at-a-time"),
        headline="Two tasks used one connection or stream at the same time.",
    ),
    Message(
        "timeout-outside-task",
        r"Timeout context manager should be used inside a task",
        "an aiohttp session was used outside a task of the loop it was made on",
        causes.OUTLIVES,
        "likely: a session used on another loop",
        driver="aiohttp",
    ),
    # A library's own guard, in whatever words: what is read from the traceback's values decides.
    Message(
        "library-guard",
        # Loops that are not of events have such names, too.
        r"(?i)\b(different|wrong) (\w+ )?loop\b|\b(another|other|same) (event|asyncio|running) loop"
        r"|\b(event|running|current) loop (does not|do not|doesn't|don't) match"
        r"|\b(event|running|current) loop (mismatch|differs|has changed|other than|is not the)"
        r"|\bevent loop (\w+ ){0,2}it was (created|made|opened|started|built|bound)",
        "a library looked at the running event loop, and it was not the one it had kept",
        causes.OUTLIVES,
        "likely: the words of the library's own guard",
        cures=("one-loop",),
    ),
)
# These only look as if they were about loops.
OTHER = (
    Message(
        "wrong-task",
        # anyio's scopes and locks, context variables, asyncio's TaskGroup.
        r"Attempted to exit (a )?cancel scope|is not holding (this|the underlying) lock"
        r"|was created in a different Context|its parent task .* is already completed",
        "it was entered in one task and left in another, both on one loop: no mismatch of loops",
        causes.WRONG_TASK,
        cures=("in-the-test", "in-one-task"),
    ),
    Message(
        "no-running-loop",
        r"RuntimeError: no running event loop|There is no current event loop",
        "something that needs a running event loop was made where none runs",
        causes.NOT_LOOPS,
        cures=("build-in-coroutine",),
        headline="Something was built in a place where its machinery does not run yet.",
    ),
    Message(
        "session-concurrency",
        r"concurrent operations are not permitted|IllegalStateChangeError",
        "two tasks used one SQLAlchemy session at the same time",
        causes.NOT_LOOPS,
        driver="sqlalchemy",
        cures=("one-per-task",),
    ),
    Message(
        "too-many-clients",
        r"sorry, too many clients already|remaining connection slots are reserved",
        "the database server has no connection left: engines or pools were not disposed",
        causes.NOT_LOOPS,
        driver="postgres",
        cures=("dispose-every",),
        headline="The database server has no free connection left for this test.",
    ),
    Message(
        "missing-greenlet",
        r"greenlet_spawn has not been called",
        "SQLAlchemy was asked for a lazy load outside await; the event loop is not involved",
        causes.NOT_LOOPS,
        driver="sqlalchemy",
        cures=("await-load",),
        headline="The database was asked for more data at a place that cannot wait for it.",
    ),
)
MESSAGES = (*LOOP, *MAYBE, *OTHER)


def find(texts: Iterable[str]) -> tuple[Message, str] | None:
    """The entry that fits best, with the text it fits: those of LOOP before those of MAYBE, and
    both before OTHER, wherever in the chain they stand."""
    lines, groups = list(texts), (LOOP, MAYBE, OTHER)
    pairs = ((entry, text) for group in groups for text in lines for entry in group)
    return next(((entry, text) for entry, text in pairs if entry.match(text)), None)


def kind_of(text: str) -> Kind | None:
    """The kind of a message, given as ``Type: text``; None for one that has none."""
    return next((entry.kind for entry in MESSAGES if entry.kind and entry.match(text)), None)


def driver_of(text: str) -> str | None:
    """The library whose callback is on the future that a message shows, or None."""
    return next((driver for callback, driver in CALLBACKS.items() if callback in text), None)


def driver_hint(message: Message, text: str) -> str | None:
    """The driver that a message, or other words of the same log, point to; or None."""
    lines = (driver for driver, (_, line) in DRIVERS.items() if re.search(line, text))
    return next(lines, None) or message.driver or driver_of(text)
