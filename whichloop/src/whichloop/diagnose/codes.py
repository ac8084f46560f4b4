"""What `whichloop explain WL003` says: each code's meaning and cures, without a failure at hand."""

from typing import NamedTuple

from whichloop.diagnose.case import Case, made
from whichloop.diagnose.causes import CAUSES
from whichloop.records import Cure, Settings


class Page(NamedTuple):
    """A code in words: what it is called, one clause, more of it, and what cures it."""

    code: str
    name: str
    meaning: str
    more: str
    cures: tuple[Cure, ...]


# For each code what its cause does not say by itself, and every cure that it may have.
_MORE = {
    "WL001": (
        "pytest-asyncio gives fixtures and tests loops of their own, by loop scope. A fixture on "
        "the session loop and a test on a function loop cannot share what is bound to a loop: a "
        "client, a connection, a lock. `pytest --whichloop-audit` lists such pairs and runs "
        "nothing.",
        (
            *("one-loop-tests", "one-loop", "test-mark", "fixtures-to-tests", "fixture-to-test"),
            *("loop-as-long-as-cache", "cache-per-test", "null-pool"),
        ),
    ),
    "WL002": (
        "A test that reads and ends inside a transaction passes; the fixture then closes its "
        "session, which must roll back over a connection of the test's loop. If that fixture runs "
        "on another loop, the test fails in teardown.",
        ("one-loop", "fixtures-to-tests"),
    ),
    "WL003": (
        "A module, a functools cache or a fixture keeps the object, and each test has a loop of "
        "its own: the first test binds the object to its loop, and later tests find it bound to a "
        "loop that is closed.",
        (
            *("one-loop", "null-pool", "dispose", "build-inside", "create-inside"),
            *("cache-per-test", "async-setup", "own-future"),
        ),
    ),
    "WL004": (
        "A thread that runs a loop of its own used an object of the main thread's loop, or the "
        "other way round.",
        ("owning-thread", "per-thread"),
    ),
    "WL005": (
        "Starlette's TestClient runs the app on a loop in a thread of its own; outside of `with` "
        "there is a new one for each request.",
        ("with-testclient", "asgi-transport", "null-pool"),
    ),
    "WL006": (
        "Two plugins (pytest-asyncio, anyio's, Playwright's) each run a loop in one session: what "
        "one prepared the other used, or one's loop still runs when the other's is to start.",
        ("one-plugin", "end-running", "async-interface", "one-driver-of-loops", "own-process"),
    ),
    "WL007": (
        "Every asyncio.run() makes a loop and closes it. What is kept from one run to the next, "
        "by a module or a cache, belongs to a loop that is closed. The same code is that of "
        "asyncio.run() inside code that a loop runs.",
        (
            *("one-run", "one-runner", "await-in-fixture", "build-per-run", "null-pool"),
            *("own-future", "await-it", "to-thread", "thread-inside", "kept-runner"),
        ),
    ),
    "WL008": (
        "Two tasks at once on one connection or session, a lazy load outside of await, a server "
        "that has no connection left, or an object built where no loop runs: the message resembles "
        "the others, but there are no two loops, and no loop scope cures it.",
        ("one-per-task", "one-at-a-time", "await-load", "dispose-every", "build-in-coroutine"),
    ),
    "WL009": (
        "The message is one of several event loops, but whichloop did not see the object: its "
        "driver has no probe, or it was made before the plugin began to watch.",
        ("one-loop",),
    ),
    "WL011": (
        "A fixture's set-up, the test and the fixture's teardown are three tasks on one loop. What "
        "must be left by the task that entered it (an anyio cancel scope, task group or lock, "
        "asyncio's TaskGroup, a context variable's token) cannot be held over a fixture's yield; "
        "no loop scope changes that.",
        ("in-the-test", "task-of-its-own", "in-one-task"),
    ),
}

_ANY = Settings()
_UNSEEN = Case(_ANY, seen=False)
# What only the audit meets: no failure has it for a cause.
IGNORED = ("WL010", "ignored fixture")
NESTED = ("WL020", "loop inside a loop")
KEY = ("WL021", "loop as a key")
PATCHED = ("WL022", "nest_asyncio")
HALF_SET = ("WL023", "half-set options")
UNKNOWN = ("WL024", "unknown option")
_FORESEEN = {
    "WL010": Page(
        *IGNORED,
        "the fixture is there, but nothing runs on the event loop it makes",
        "Up to pytest-asyncio 0.26 a suite chose its loop by a fixture named event_loop. Version "
        "1.0 removed that fixture: one of this name is then like any other, and tests and async "
        "fixtures run on loops by their loop scopes.",
        made(("one-loop",), {}, _UNSEEN),
    ),
    "WL020": Page(
        *NESTED,
        "a coroutine calls what runs a loop, and a loop runs already",
        "asyncio.run() and run_until_complete() run a loop until something is done. In a thread "
        "only one can run: called in an async test or fixture, or in what these call, they raise "
        "RuntimeError, and the coroutine that they were given is never awaited.",
        made(("await-it", "await-in-fixture"), {"fixture": "the fixture"}, _UNSEEN),
    ),
    "WL021": Page(
        *KEY,
        "what is kept for a loop is found again by id(loop), or as long as a loop is not closed",
        "id() is an address: when a loop is gone, a new one may have it, and then gets what "
        "belonged to the old one. is_closed() tells that a loop has ended; that another loop runs "
        "now it does not tell: a session's loop is open while a test runs on its own.",
        made(("one-loop",), {}, _UNSEEN),
    ),
    "WL022": Page(
        *PATCHED,
        "asyncio is patched so that a running loop can be entered again",
        "No loop is entered twice where an object of one loop is used on another: that error stays "
        "as it is, and tracebacks then lead through the patch.",
        made(("one-loop", "await-it"), {}, _UNSEEN),
    ),
    "WL023": Page(
        *HALF_SET,
        "one option moves async fixtures, another moves tests, and only one of the two is set",
        "asyncio_default_fixture_loop_scope says on which loops async fixtures run, and "
        "asyncio_default_test_loop_scope, from pytest-asyncio 0.26 on, on which tests do. Without "
        "the first a fixture runs on the loop of its caching scope, without the second a test runs "
        "on one of its own. Set both to the same value: `whichloop advise` shows the line.",
        made(("one-loop",), {}, _UNSEEN),
    ),
    "WL024": Page(
        *UNKNOWN,
        "the installed pytest-asyncio has no such option, or the option no such value",
        "For an unknown name pytest only warns, and goes on as if the line were not there; with "
        "strict configuration it ends, as pytest-asyncio does for a value that it does not know. "
        "`whichloop advise` shows the line as it is meant, where that is clear.",
        (),
    ),
}

CODES = (*_MORE, *_FORESEEN)


def page(code: str, settings: Settings = _ANY) -> Page | None:
    """The page of a code such as "WL003"; None for a code that there is not. ``settings`` say for
    which versions and which configuration file its cures are."""
    if code in _FORESEEN:
        return _FORESEEN[code]
    cause = next((cause for cause in CAUSES.values() if cause.code == code), None)
    if cause is None:
        return None
    more, names = _MORE[code]
    return Page(code, cause.name, cause.meaning, more, made(names, {}, Case(settings, seen=False)))
