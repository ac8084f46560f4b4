"""Cures, as a table: what to change, from which pytest-asyncio on, and where it is documented.
``causes`` chooses from it and fills in the words in braces."""

from typing import NamedTuple

from whichloop.records import FIXTURE_SCOPE

_PYTEST_ASYNCIO = "https://pytest-asyncio.readthedocs.io/en/stable/"
_ONE_LOOP = _PYTEST_ASYNCIO + "how-to-guides/run_session_tests_in_same_loop.html"
_CONCEPTS = _PYTEST_ASYNCIO + "concepts.html"
_SQLALCHEMY = "https://docs.sqlalchemy.org/en/21/orm/extensions/asyncio.html"
_LOOPS = _SQLALCHEMY + "#using-multiple-asyncio-event-loops"
_ANYIO = "https://anyio.readthedocs.io/en/stable/testing.html"
_PYTHON = "https://docs.python.org/3/library/"


class Entry(NamedTuple):
    """``change`` is one for every version of pytest-asyncio, or several, each by the lowest
    version that understands it, newest first; ``remedy`` is a number of whichloop's repository."""

    text: str
    change: str | dict[tuple[int, ...], str]
    remedy: int | None = None
    link: str | None = None


# A test that is no coroutine would get a warning from a mark. In 0.23 a mark moves no fixture that
# is cached for a test: those run on the loop that event_loop returns.
_MARK = (
    "in conftest.py, def pytest_collection_modifyitems(items): for each item of which "
    "pytest_asyncio.is_async_test(item), "
    'item.add_marker(pytest.mark.asyncio({}="{}"), append=False)'
)
LOOP_0_23 = ", and a session fixture event_loop that returns the fixture _session_event_loop"
FIXTURES_TOO = f"{FIXTURE_SCOPE} = session and "


def _tests_on(
    scope: str, first: str = "", older: str = "", loop: str = LOOP_0_23
) -> dict[tuple[int, ...], str]:
    """How each version runs all tests on loops of that scope; ``first`` does as much for fixtures,
    from 0.24 on, and ``older`` and ``loop`` before."""
    return {
        (0, 26): f"{first}asyncio_default_test_loop_scope = {scope}",
        (0, 24): first + _MARK.format("loop_scope", scope),
        (0, 23): older + _MARK.format("scope", scope) + loop,
        (0,): f'{older}redefine event_loop in conftest.py with scope="{scope}"',
    }


ENTRIES = {
    "one-loop-tests": Entry(
        "run the tests on the fixtures' loop",
        _tests_on("{scope}", "{fixtures_too}", loop="{loop_too}"),
        9,
        _ONE_LOOP,
    ),
    "one-loop": Entry(
        "run fixtures and tests on one loop",
        _tests_on("session", FIXTURES_TOO),
        9,
        _ONE_LOOP,
    ),
    "test-mark": Entry(
        "let the test's mark say on which loop it runs",
        {
            (0, 24): '@pytest.mark.asyncio(loop_scope="{scope}")',
            (0,): '@pytest.mark.asyncio(scope="{scope}")',
        },
        10,
        _CONCEPTS,
    ),
    "fixtures-to-tests": Entry(
        "give {fixture} {whose}",
        {(0, 24): "asyncio_default_fixture_loop_scope = {narrow}"},
        3,
        _CONCEPTS,
    ),
    "fixture-to-test": Entry(
        "give {fixture} {whose}",
        {(0, 24): '@pytest_asyncio.fixture(..., loop_scope="{narrow}")'},
        10,
        _CONCEPTS,
    ),
    "loop-as-long-as-cache": Entry(
        "let the loop of {fixture} live as long as its cached value, and what uses it run there",
        _tests_on(
            "session",
            '@pytest_asyncio.fixture(scope="{scope}", loop_scope="session") and ' + FIXTURES_TOO,
        ),
        10,
        _CONCEPTS,
    ),
    "cache-per-test": Entry(
        "cache the value no longer than the loop lives",
        'leave scope="{scope}" out of {fixture}',
    ),
    "null-pool": Entry(
        "let the engine keep no connection between uses",
        "create_async_engine(…, poolclass=sqlalchemy.pool.NullPool)",
        12,
        _LOOPS,
    ),
    "dispose": Entry(
        "dispose the engine before its loop closes",
        "await engine.dispose() at the end of each test, on the test's own loop",
        13,
        _LOOPS,
    ),
    "build-inside": Entry(
        "build the {noun} per test, in an async fixture that closes it",
        "move it out of {place} into a fixture that yields it",
        6,
    ),
    "create-inside": Entry(
        "build the {noun} where its loop runs",
        "move it out of {place} into the coroutine, fixture or app state that uses it",
        link=_PYTHON + "asyncio-sync.html",
    ),
    "replace-theirs": Entry(
        "give each test a {noun} of its own where the package keeps one",
        'monkeypatch.setattr("{path}", asyncio.{kind}()) in a fixture with autouse=True',
        link="https://docs.pytest.org/en/stable/how-to/monkeypatch.html",
    ),
    "async-setup": Entry(
        "build the {noun} for each test of the case",
        "create it in asyncSetUp() and close it in asyncTearDown()",
        link=_PYTHON + "unittest.html#unittest.IsolatedAsyncioTestCase",
    ),
    "owning-thread": Entry(
        "hand the work to the loop that owns the {noun}",
        "asyncio.run_coroutine_threadsafe(coroutine, loop).result()",
        link=_PYTHON + "asyncio-dev.html#concurrency-and-multithreading",
    ),
    "wake-it": Entry(
        "wake it through the loop that waits",
        "loop.call_soon_threadsafe(event.set), in place of event.set() in another thread",
        link=_PYTHON + "asyncio-dev.html#concurrency-and-multithreading",
    ),
    "per-thread": Entry(
        "give the thread a {noun} of its own",
        "create it inside the coroutine that the thread runs",
    ),
    "asgi-transport": Entry(
        "drive the app on the test's own loop",
        "httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=…)",
        14,
        "https://fastapi.tiangolo.com/advanced/async-tests/",
    ),
    "with-testclient": Entry(
        "keep one loop for all requests of a test client",
        "with TestClient(app) as client: …, with the {noun} opened in the app's lifespan",
        14,
        "https://fastapi.tiangolo.com/advanced/testing-events/",
    ),
    "one-plugin": Entry(
        "let one plugin run fixture and test",
        "mark both for the same plugin: @pytest.mark.anyio with @pytest.fixture, "
        "or @pytest.mark.asyncio with @pytest_asyncio.fixture",
        17,
        _ANYIO,
    ),
    "one-run": Entry(
        "run everything that shares the {noun} on one loop",
        "one asyncio.run(main()) around all calls, or one asyncio.Runner kept open",
        link=_PYTHON + "asyncio-runner.html",
    ),
    "one-runner": Entry(
        "run everything that shares the {noun} on one loop",
        "a session fixture: with asyncio.Runner() as runner: yield runner; and runner.run(…) in "
        "place of asyncio.run(…)",
        link=_PYTHON + "asyncio-runner.html",
    ),
    "kept-runner": Entry(
        "run everything that shares the {noun} on one loop",
        "runner = asyncio.Runner() beside the {noun}, and runner.run(…) in place of asyncio.run(…)",
        link=_PYTHON + "asyncio-runner.html",
    ),
    "await-in-fixture": Entry(
        "let an async fixture do on the tests' loop what {fixture} does on a loop of its own",
        _tests_on(
            "{scope}",
            '@pytest_asyncio.fixture({cached}loop_scope="{scope}") in its place and ',
            "@pytest_asyncio.fixture({cached_so}) in its place and ",
            "{loop_too}",
        ),
        9,
        _ONE_LOOP,
    ),
    "await-in-anyios": Entry(
        "let an async fixture do on the tests' loop what {fixture} does on a loop of its own",
        '@pytest.fixture({cached_so}) in its place, and anyio_backend with scope="session"',
        link=_ANYIO + "#using-async-fixtures-with-higher-scopes",
    ),
    "one-anyio-loop": Entry(
        "run fixtures and tests on one loop",
        'anyio_backend with scope="session", and an async fixture of that scope with autouse=True',
        link=_ANYIO + "#using-async-fixtures-with-higher-scopes",
    ),
    "build-per-run": Entry(
        "build and close the {noun} inside each run",
        "create it in the coroutine given to asyncio.run(), and close it there",
        15,
    ),
    "own-future": Entry(
        "make the future on the loop that awaits it",
        "asyncio.get_running_loop().create_future() inside the coroutine",
        link=_PYTHON + "asyncio-future.html",
    ),
    "one-per-task": Entry(
        "give each task a session or connection of its own",
        "open it inside the coroutine given to gather() or create_task()",
        link=_SQLALCHEMY + "#using-asyncsession-with-concurrent-tasks",
    ),
    "one-at-a-time": Entry(
        "let one task at a time use the {noun}",
        "async with lock: around each use, with one asyncio.Lock() for all of them",
        link=_PYTHON + "asyncio-sync.html#asyncio.Lock",
    ),
    "in-the-test": Entry(
        "enter and leave what {fixture} holds in one task, that of the test",
        "make it a function with @contextlib.asynccontextmanager, in place of the fixture's mark, "
        "and write async with …: in the test",
        link="https://github.com/pytest-dev/pytest-asyncio/issues/1191",
    ),
    "in-one-task": Entry(
        "enter and leave it in one task",
        "async with … around all that uses it, in one coroutine",
    ),
    "task-of-its-own": Entry(
        "let {fixture} give it a task of its own, which enters and leaves it",
        "in that task: async with …: ready.set(), await done.wait(); in the fixture: await "
        "ready.wait(), yield, done.set(), await task",
    ),
    "dispose-every": Entry(
        "dispose every engine and close every pool that is made",
        "await engine.dispose(), or await pool.close(), in the finally: of what made it",
        6,
    ),
    "build-in-coroutine": Entry(
        "build the {noun} inside a coroutine or an async fixture",
        "move the call under async def",
    ),
    "await-load": Entry(
        "load what is needed inside await",
        "selectinload(…) in the query, or await instance.awaitable_attrs.name",
        link=_SQLALCHEMY + "#preventing-implicit-io-when-using-asyncsession",
    ),
    "one-driver-of-loops": Entry(
        "let one library drive the loop in this thread",
        "find what started the first loop, and stop it before the second is started",
    ),
    "own-process": Entry(
        "run pytest in a process of its own, if a notebook or a coroutine started it",
        "python -m pytest, in place of pytest.main() where a loop runs",
    ),
    "await-it": Entry(
        "await the coroutine: the loop that is to run it runs already",
        "await coroutine, in place of asyncio.run(coroutine) or loop.run_until_complete()",
        link=_PYTHON + "asyncio-runner.html#asyncio.run",
    ),
    "to-thread": Entry(
        "let a thread, where no loop runs yet, call {function}",
        "await asyncio.to_thread(…), in place of the plain call in {caller}",
        link=_PYTHON + "asyncio-task.html#running-in-threads",
    ),
    "thread-inside": Entry(
        "give {function} a loop in a thread of its own",
        "ThreadPoolExecutor(1).submit(asyncio.run, coroutine).result(), in place of "
        "asyncio.run(coroutine), if that uses nothing of the running loop, which it blocks",
        link=_PYTHON + "concurrent.futures.html#threadpoolexecutor",
    ),
    "end-running": Entry(
        "end what keeps loop {loop} running before the next test starts",
        'leave scope="{scope}" out of {fixture}',
        link="https://github.com/pytest-dev/pytest-asyncio/issues/543",
    ),
    "async-interface": Entry(
        "use the async interface of the library whose sync one keeps a loop running",
        "for Playwright: playwright.async_api in an async fixture, on the test's loop",
    ),
}

# Words for cures where nothing better is known.
WORDS = {
    "noun": "object",
    "place": "where it is kept",
    "scope": "session",
    "narrow": "function",
    "fixture": "the fixture",
    "fixtures_too": "",
    "loop_too": "",
    "cached": "",
    "cached_so": "",
    "loop": "A",
    "function": "the plain function",
    "whose": "the test's loop",
    "caller": "the coroutine",
    "path": "",
    "kind": "",
}
# Of these words a cure's text is another; the rest are names of the reader's.
SCOPES = ("scope", "narrow", "fixtures_too", "loop_too")
# Versions of pytest-asyncio that take a cure alike, by the lowest, newest first.
FAMILIES = (
    *(((2,), "2"), ((1, 3), "1.3"), ((1, 0), "1.0"), ((0, 26), "0.26")),
    *(((0, 24), "0.24"), ((0, 23), "0.23"), ((0, 21), "0.21")),
)
