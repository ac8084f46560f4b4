"""Small changes beside a remedy of which the READMEs of the sides speak: see test_variants.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALL: frozenset[str] = frozenset()
MOTOR = frozenset({"test_jobs.py", "test_job_flows.py"})
API = frozenset({"test_conversation_api.py"})
FUNCTION_FIXTURES = "asyncio_default_fixture_loop_scope=function"
SESSION_FIXTURES = "asyncio_default_fixture_loop_scope=session"
SESSION_TESTS = "asyncio_default_test_loop_scope=session"
BY_NAME = "from shared_app.configs.db import AsyncSessionFactory\n"
IN_THE_MODULE = """from shared_app.configs import db


def AsyncSessionFactory(**options):
    return db.AsyncSessionFactory(**options)
"""


def before_each_test(engine: str, fixtures: str = "", name: str = "get_async_engine") -> str:
    """A conftest's further lines: bind the factory to an engine, for every test."""
    return f"""

from shared_app.configs.db import AsyncSessionFactory, get_async_engine


@pytest.fixture(autouse=True)
def bind_factory({fixtures}):
    AsyncSessionFactory.configure(bind={engine})
"""


@dataclass(frozen=True)
class Variant:
    """A side with `options` (ini lines) and edits, and how its run ends.

    `appended` goes to the end of the conftest; `edits` are (file, old, new), a file without a
    slash in the side's folder. `fails` is how many tests fail, all in the files `among`; `logged`
    counts a text in pytest's output; `counts` is (opened, left open) on Postgres; in the files
    `exchanged` exactly those tests fail that pass on `broken/`; `beside` is another pytest-asyncio
    than ours, of requirements/versions.
    """

    id: str
    folder: str
    says: str
    fails: int = 0
    among: frozenset[str] = ALL
    options: tuple[str, ...] = ()
    appended: str = ""
    edits: tuple[tuple[str, str, str], ...] = ()
    logged: tuple[tuple[str, int], ...] = ()
    counts: tuple[int, int] | None = None
    arguments: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    exchanged: tuple[str, ...] = ()
    beside: str = ""


# Up to pytest-asyncio 0.26 report B's override moves the tests to its loop: without it an older
# version shows what a suite of its day saw.
NO_OVERRIDE = (("conftest.py", "def event_loop(", "def unused("),)


def older(version: str, folder: str, says: str, **ends: Any) -> Variant:
    """The side, without the override, beside an older pytest-asyncio."""
    name = f"{folder.partition('/')[2][:2]}-beside-{version}"
    beside = f"pytest-asyncio-{version}"
    return Variant(name, folder, says, beside=beside, edits=NO_OVERRIDE, **ends)


WITHOUT_LINE = "on 0.21, where function loops are the default, all 26 tests pass without it."
NOTHING_LOGGED = (("Exception closing connection", 0), ("Exception terminating connection", 0))
DISPOSALS_FAIL = (("Exception closing connection", 14),)
WITH_ROWS = """

@pytest.fixture(autouse=True)
def rows_of_another_test(empty_databases, databases):
    from suite.helpers import sample_jobs

    databases.mongo._client[databases.mongo.name]["jobs"].insert_many(sample_jobs())
"""
VARIANTS = [
    Variant(
        "broken-without-the-first-test",
        "broken",
        '`-k "not test_chat_starts"`, and the outcomes of its module are exchanged, and those'
        " after it.",
        fails=12,
        arguments=("-k", "not test_chat_starts"),
        exchanged=("test_chat_service_e2e.py", "test_conversation_api.py"),
    ),
    Variant(
        "broken-with-rows-of-another-test",
        "broken",
        "the only ones here that use MongoDB and pass, also pass over such rows.",
        fails=0,
        arguments=("-k", "test_jobs_http"),
        appended=WITH_ROWS,
    ),
    Variant(
        "01-and-the-missing-line",
        "fixed/01_clear_engine_cache",
        "With it all 7 of Postgres pass.",
        fails=6,
        among=MOTOR,
        appended=before_each_test("get_async_engine()").replace(
            "    Async", "    get_async_engine.cache_clear()\n    Async", 1
        ),
    ),
    Variant(
        "02-on-function-loops",
        "fixed/02_engine_in_session_fixture",
        "With remedy 3's line beside it nothing is logged by the fixture.",
        fails=5,
        among=frozenset({"test_conversation_api.py", "test_conversation_dao.py"}),
        options=(FUNCTION_FIXTURES,),
        logged=(("Exception closing connection", 0),),
    ),
    Variant(
        "03-and-a-session-cached-fixture",
        "fixed/03_function_fixture_loop_scope",
        "*ScopeMismatch: You tried to access the function scoped fixture"
        " _function_scoped_runner with a session scoped request object*",
        fails=13,
        # pytest says it once; the five tests after it get a bare AssertionError.
        logged=(("ScopeMismatch: You tried to access the function scoped fixture", 1),),
        edits=(
            (
                "conftest.py",
                "@pytest.fixture\nasync def test_db",
                "@pytest.fixture(scope='session')\nasync def test_db",
            ),
        ),
    ),
    Variant(
        "04-and-a-look-up-in-the-module",
        "fixed/04_reload_db_module",
        "When the DAO tests look the factory up in the module instead, all of Postgres passes.",
        fails=6,
        among=MOTOR,
        edits=(("suite/test_conversation_dao.py", BY_NAME, IN_THE_MODULE),),
    ),
    Variant(
        "05-and-a-look-up-in-the-module",
        "fixed/05_complete_fix",
        "With that one import changed to a look-up in the module, all 26 pass.",
        edits=(("suite/test_conversation_dao.py", BY_NAME, IN_THE_MODULE),),
    ),
    Variant(
        "06-and-what-is-missing",
        "fixed/06_engine_fixture_with_disposal",
        "With both all 26 tests pass, nothing is logged, and no connection is left open"
        " (14 opened).",
        options=(FUNCTION_FIXTURES,),
        appended=before_each_test("db_engine", "db_engine"),
        logged=NOTHING_LOGGED,
        counts=(14, 0),
    ),
    Variant(
        "07-and-what-is-missing",
        "fixed/07_use_cache_parameter",
        "With the latter all 7 of Postgres pass.",
        fails=6,
        among=MOTOR,
        appended=before_each_test("get_async_engine(use_cache=False)"),
    ),
    Variant(
        "08-and-the-missing-line",
        "fixed/08_pytest_aware_cache",
        "With `AsyncSessionFactory.configure(bind=get_async_engine())` in an autouse fixture all"
        " 7 of Postgres pass.",
        fails=6,
        among=MOTOR,
        appended=before_each_test("get_async_engine()"),
    ),
    Variant(
        "10-on-function-fixtures",
        "fixed/10_explicit_session_loop",
        "With `asyncio_default_fixture_loop_scope = function` there, all 26 tests pass as well.",
        options=(FUNCTION_FIXTURES,),
    ),
    Variant(
        "11-without-append-false",
        "fixed/11_marker_added_by_hook",
        "without `append=False` all 13 fail as before.",
        fails=13,
        edits=(("conftest.py", ", append=False", ""),),
    ),
    older(
        "0.24",
        "fixed/09_session_loop_for_all",
        "on 0.24 all 13 still fail, with *Unknown config option:"
        " asyncio_default_test_loop_scope* among the warnings",
        fails=13,
        logged=(("PytestConfigWarning: Unknown config option: asyncio_default_test", 1),),
    ),
    older("0.26", "fixed/09_session_loop_for_all", "Needs pytest-asyncio 0.26 or newer"),
    older(
        "0.24",
        "fixed/10_explicit_session_loop",
        "`loop_scope` came with pytest-asyncio 0.24: all 26 tests pass there.",
    ),
    older(
        "0.24",
        "fixed/11_marker_added_by_hook",
        "Needs pytest-asyncio 0.24 or newer, which brought `loop_scope`: all 26 tests pass there.",
    ),
    older(
        "0.21",
        "fixed/12_null_pool",
        "on 0.21 all 26 tests pass, since fixtures run on function loops there.",
    ),
    older("0.21", "fixed/13_dispose_after_each_test", WITHOUT_LINE),
    older("0.21", "fixed/14_app_factory_with_lifespan", WITHOUT_LINE),
    older(
        "0.24",
        "fixed/15_engine_per_running_loop",
        "pytest-asyncio 0.24 closes them so, and all 14 stay open; 0.26 does not.",
        fails=6,
        among=MOTOR,
        counts=(14, 14),
    ),
    older(
        "0.26",
        "fixed/15_engine_per_running_loop",
        "pytest-asyncio 0.24 closes them so, and all 14 stay open; 0.26 does not.",
        fails=6,
        among=MOTOR,
        counts=(14, 0),
    ),
    older("0.26", "fixed/18_session_loop_and_rollback", "Needs pytest-asyncio 0.26 or newer."),
    older("0.21", "fixed/19_function_loops_and_null_pool", WITHOUT_LINE),
    Variant(
        "trap-01-beside-0.23",
        "traps/01_event_loop_override",
        "on pytest-asyncio 0.23 all 26 tests of this side pass, on 0.26 Motor's 6 fail",
        beside="pytest-asyncio-0.23",
    ),
    Variant(
        "trap-01-beside-0.26",
        "traps/01_event_loop_override",
        "on pytest-asyncio 0.23 all 26 tests of this side pass, on 0.26 Motor's 6 fail",
        fails=6,
        among=MOTOR,
        beside="pytest-asyncio-0.26",
    ),
    Variant(
        "13-on-session-fixtures",
        "fixed/13_dispose_after_each_test",
        "each of the 14 disposals logs *Exception closing connection*",
        options=(SESSION_FIXTURES,),
        logged=DISPOSALS_FAIL,
        fails=6,
        among=MOTOR,
    ),
    Variant(
        "14-on-session-fixtures",
        "fixed/14_app_factory_with_lifespan",
        "all 14 disposals fail in the log",
        options=(SESSION_FIXTURES,),
        logged=DISPOSALS_FAIL,
    ),
    Variant(
        "15-on-function-loops",
        "fixed/15_engine_per_running_loop",
        "with remedy 3's line beside it all 26 tests pass.",
        options=(FUNCTION_FIXTURES,),
    ),
    Variant(
        "16-on-function-loops",
        "fixed/16_psycopg",
        "with remedy 3's line beside it all 26 tests pass.",
        options=(FUNCTION_FIXTURES,),
    ),
    Variant(
        "17-without-one-loop",
        "fixed/17_anyio_plugin",
        "without `one_loop` the 7 of Postgres fail as before.",
        fails=7,
        edits=(
            (
                "conftest.py",
                '@pytest.fixture(scope="session", autouse=True)\nasync def one',
                "async def one",
            ),
        ),
    ),
    *(
        Variant(
            f"{folder[6:8]}-without-emptying",
            folder,
            "switched off, all 26 tests still pass here, while remedies 9 and 19 then fail 4.",
            fails=fails,
            edits=(("suite/servers.py", 'GROUP != "control"', 'GROUP == "mongo"'),),
        )
        for folder, fails in (
            ("fixed/18_session_loop_and_rollback", 0),
            ("fixed/09_session_loop_for_all", 4),
            ("fixed/19_function_loops_and_null_pool", 4),
        )
    ),
    Variant(
        "trap-01-shows-what-is-set-up",
        "traps/01_event_loop_override",
        "`--setup-show` lists `_session_scoped_runner` and `_function_scoped_runner`, and no"
        " `event_loop`.",
        arguments=("--setup-show", "-k", "test_create_then_read_back"),
        logged=(
            ("SETUP    S _session_scoped_runner", 1),
            ("SETUP    F _function_scoped_runner", 1),
            ("event_loop\n", 0),
            ("event_loop,", 0),
        ),
    ),
    Variant(
        "trap-02-on-the-session-loop",
        "traps/02_without_pre_ping",
        "With tests on the session loop (remedy 9's line) all 26 pass without any ping.",
        options=(SESSION_TESTS,),
    ),
    Variant(
        "trap-06-before-the-suite-has-grown",
        "traps/06_engine_per_loop_undisposed",
        "With `SUITE_REPEAT=1` all of Postgres passes",
        fails=6,
        among=MOTOR,
        environ=(("SUITE_REPEAT", "1"),),
        counts=(14, 14),
    ),
    Variant(
        "trap-07-in-a-with-block",
        "traps/07_test_client",
        "then 2 of the 4 API tests pass, by turns as on `broken/`",
        fails=2,
        among=API,
        arguments=("-k", "test_conversation_api"),
        edits=(
            (
                "conftest.py",
                "    return AwaitableTestClient()",
                "    client = AwaitableTestClient()\n"
                "    with client._client:\n        yield client",
            ),
        ),
    ),
    Variant(
        "trap-08-on-the-session-loop",
        "traps/08_async_mongo_client",
        "With remedy 9's line beside it all 26 tests pass.",
        options=(SESSION_TESTS,),
    ),
]
