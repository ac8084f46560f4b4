"""The plugin, end to end: a suite in a folder of its own, a pytest of its own."""

import json
from pathlib import Path

import pytest
from conftest import Run, ini, run_suite
from whichloop.cli import main

QUEUE = """
import asyncio
import pytest

async def take(queue):
    return await queue.get()

@pytest.fixture
async def queue():
    queue = asyncio.Queue()
    waiting = asyncio.ensure_future(take(queue))
    await asyncio.sleep(0)
    yield queue
    waiting.cancel()

async def test_get(queue):
    await queue.get()
"""


@pytest.fixture(scope="module")
def queue_run(tmp_path_factory) -> Run:
    """A run of QUEUE, whose fixture and test are on loops of their own."""
    return run_suite(tmp_path_factory.mktemp("queue") / "suite", ini=ini(), test_a=QUEUE)


def section(out: str) -> str:
    """The explanation's lines as one line."""
    return " ".join(out.partition("- whichloop: ")[2].split())


# -- a failing test ----------------------------------------------------------------------


def test_a_failing_test_shows_the_object_both_loops_the_line_and_the_cure(queue_run):
    words = section(queue_run.out)
    assert queue_run.failed == {"test_a.py::test_get"}
    assert "asyncio Queue asyncio.queues.Queue, built at test_a.py:10 by fixture queue" in words
    assert "(caching scope function, loop scope session)" in words
    assert "bound to loop A, the session loop, at its first use, test_a.py:6" in words
    assert "loop A was opened by fixture _session_scoped_runner; still open" in words
    assert "test test_a.py::test_get ran on loop B, its own function loop" in words
    assert "used it at test_a.py:17" in words
    assert "loop scope mismatch" in words
    assert "_test_loop_scope = session (in pytest.ini, line 4) or give the fixture" in words
    # The first line needs no knowledge of asyncio.
    first = queue_run.out.partition("- whichloop: 1 cause behind 1 failure -")[2].splitlines()[1]
    assert first == "The queue used here was set up for another part of the run than this test."


def test_asyncio_still_names_the_users_own_coroutine_and_line(suite):
    text = """
    import asyncio
    import pytest

    @pytest.fixture
    async def future():
        return asyncio.get_running_loop().create_future()

    async def test_await(future):
        await future
    """
    on, off = suite(test_a=text), suite("--whichloop=off")

    for run in (on, off):
        assert "coro=<test_await() running at" in run.out
        assert "test_a.py:10>" in "".join(run.out.split("\n"))
    assert "- whichloop: " not in off.out


@pytest.mark.parametrize("style", ["long", "short", "native"])
def test_the_section_stands_below_every_style_of_traceback(suite, style):
    run = suite(f"--tb={style}", "--show-capture=no", test_a=QUEUE)

    assert "loop scope mismatch" in run.out


def test_a_fixtures_finalizer_is_not_laid_at_the_tests_door(suite):
    text = """
    import asyncio
    import pytest

    async def take(queue):
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        await queue.put(1)
        return await waiting

    @pytest.fixture
    def queue(request):
        queue = asyncio.Queue()

        def finish():
            asyncio.run(take(queue))

        request.addfinalizer(finish)
        return queue

    async def test_take(queue):
        assert await take(queue) == 1
    """

    run = suite(test_a=text)

    assert "Then the teardown of fixture queue ran on loop" in section(run.out)
    assert run.findings[0]["used_by"]["name"] == "queue"


def test_an_error_in_setup_and_in_teardown_is_explained(suite):
    text = """
    import asyncio
    import pytest_asyncio

    async def wait(future):
        await future

    @pytest_asyncio.fixture
    async def future():
        return asyncio.get_running_loop().create_future()

    @pytest_asyncio.fixture(loop_scope="function")
    async def user(future):
        await wait(future)

    @pytest_asyncio.fixture(loop_scope="function")
    async def ender(future):
        yield
        await wait(future)

    def test_setup(user):
        pass

    def test_teardown(ender):
        pass
    """

    run = suite(test_a=text)

    assert [(row["phase"], row["crossing_line"]) for row in run.findings] == [
        ("setup", "test_a.py:6"),
        ("teardown", "test_a.py:6"),
    ]


def test_an_error_that_was_only_logged_is_explained_at_the_end(suite):
    text = """
    import asyncio
    import pytest

    @pytest.fixture
    async def future():
        return asyncio.get_running_loop().create_future()

    async def test_background(future):
        async def wait():
            await future
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)
        del task
    """

    run = suite(test_a=text)

    assert run.failed == set()
    assert "whichloop: errors that were only logged" in run.out
    assert "loop scope mismatch" in run.out
    assert [row["phase"] for row in run.findings] == ["logged"]


FINALIZER = """
import asyncio
import conftest

class Handle:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.me = self

    def __del__(self):
        self.loop.call_soon(print)

async def test_leaves_a_handle():
    conftest.kept.append(Handle())

def test_later():
    {then}
"""


@pytest.mark.parametrize(
    ("then", "where"),
    [
        ("import gc; conftest.kept.clear(); gc.collect()", "errors that were only logged"),
        ("pass", "whichloop: errors raised at exit"),
    ],
)
def test_an_error_of_a_finalizer_is_explained_in_the_summary_or_after_it(suite, then, where):
    conftest = "kept = []\n\ndef pytest_unconfigure():\n    kept.clear()\n"

    run = suite("-W", "ignore", conftest=conftest, test_a=FINALIZER.format(then=then))

    assert run.failed == set()
    assert run.code == 0, run.out
    assert where in run.out
    assert run.out.count("used here was opened for an earlier test, which has ended") == 1


# -- strict ------------------------------------------------------------------------------

SILENT = """
import asyncio
import pytest

@pytest.fixture
async def queue():
    queue = asyncio.Queue()
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    yield queue
    waiting.cancel()

async def test_swallowed(queue):
    try:
        await queue.get()
    except RuntimeError:
        pass
"""


def test_strict_fails_a_test_that_passed_but_crossed(suite):
    lenient, strict = suite(test_a=SILENT), suite("--whichloop=strict")

    assert lenient.code == 0
    assert "- whichloop" not in lenient.out
    assert strict.failed == {"test_a.py::test_swallowed"}
    assert "passed, but used an object on another event loop" in strict.out
    assert "Let    asyncio Queue" in strict.out


def test_strict_fails_a_test_that_left_a_connection_on_a_closed_loop(suite, urls_of):
    text = """
    import os
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"])

    async def test_only_one():
        async with engine.connect() as connection:
            await connection.execute(sqlalchemy.text("select 1"))
    """
    own = {"fixture": "function", "env": urls_of("postgres")}

    lenient, strict = suite(test_a=text, **own), suite("--whichloop=strict", **own)

    assert lenient.code == 0
    assert strict.failed == {"test_a.py::test_only_one"}
    assert "left a connection on a closed event loop" in strict.out
    assert strict.findings[0]["object"]["kept_by"] == "module-level name test_a.engine"
    assert "is still open, and the part of the run that it belongs to has ended" in strict.out
    assert "used here" not in strict.out


def test_strict_says_who_did_what_and_how_the_test_had_ended(suite):
    text = """
    import asyncio
    import pytest
    import pytest_asyncio

    @pytest_asyncio.fixture
    async def queue():
        queue = asyncio.Queue()
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        yield queue
        waiting.cancel()

    async def swallow(queue):
        try:
            await queue.get()
        except RuntimeError:
            pass

    @pytest_asyncio.fixture(loop_scope="function")
    async def early(queue):
        await swallow(queue)

    @pytest_asyncio.fixture(loop_scope="function")
    async def late(queue):
        yield
        await swallow(queue)

    async def test_early(early):
        pass

    async def test_skipped(late):
        pytest.skip("not today")

    async def test_failed(late):
        assert False
    """

    run = suite("--whichloop=strict", test_a=text)

    used = "used an object on another event loop than its own"
    assert f"test_early could be set up, but fixture early {used}" in run.out
    assert f"test_skipped was skipped, but fixture late {used}" in run.out
    assert f"test_failed failed, and fixture late {used}" in run.out
    assert "passed, but" not in run.out


def test_an_error_of_strict_says_for_which_other_tests_it_stands(suite, urls_of):
    text = """
    import asyncio
    import os
    import pytest
    import pytest_asyncio
    from redis.asyncio import Redis

    kept = []

    @pytest_asyncio.fixture(scope="session", loop_scope="session")
    async def queue():
        queue = asyncio.Queue()
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        yield queue
        waiting.cancel()

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def early(queue):
        with pytest.raises(RuntimeError):
            await queue.get()

    @pytest.mark.parametrize("number", range(5))
    @pytest.mark.asyncio(loop_scope="module")
    async def test_a(number, early):
        kept.append(Redis.from_url(os.environ["WL_REDIS"]))
        await kept[-1].ping()
    """

    run = suite("--whichloop=strict", env=urls_of("redis"), test_a=text)

    tests = [f"test_a.py::test_a[{number}]" for number in range(5)]
    assert run.failed == {tests[0], tests[4]}
    assert f"its own; it was set up for {', '.join(tests[1:4])} and 1 more" in run.out
    # The first was failed before its body.
    so_did = ", ".join(f"test {name}" for name in tests[2:])
    left = f"test {tests[1]} left a connection on a closed event loop; so did {so_did}"
    assert f"{tests[4]} passed, but {left}" in run.out


# -- the recording -----------------------------------------------------------------------


def test_the_recording_says_what_ran_where_and_what_crossed(queue_run):
    record = queue_run.record
    assert record["schema_version"] == 1
    assert record["settings"]["fixture_loop_scope"] == "session"
    assert [(row["name"], row["loop"]) for row in record["fixtures"]] == [("queue", "A")]
    tests = [(row["name"], row["loop"], row["outcome"]) for row in record["tests"]]
    assert ("test_a.py::test_get", "B", "failed") in tests
    loops = {row["id"]: row for row in record["loops"]}
    assert (loops["A"]["scope"], loops["A"]["owner"]) == ("session", "session loop")
    assert loops["B"]["closed"] > loops["B"]["born"]
    (connection,) = record["connections"]
    assert connection["opened_on"] == "A"
    assert connection["used_on"] == ["A", "B"]
    (crossing,) = record["crossings"]
    assert (crossing["bound_to"], crossing["used_on"], crossing["at"]) == ("A", "B", "test_a.py:17")


def test_an_unwritable_path_changes_nothing_but_a_line(suite, tmp_path):
    path = tmp_path / "no" / "such" / "x.json"

    run = suite(f"--whichloop-record={path}", test_a="def test_a(): pass\n")

    assert run.code == 0
    assert "the recording could not be written" in run.out
    assert "Traceback" not in run.out


def test_under_xdist_sections_and_recordings_come_from_the_workers(suite):
    run = suite("-n2", test_a=QUEUE, test_b="async def test_b(): pass\n")

    assert run.failed == {"test_a.py::test_get"}
    assert "loop scope mismatch" in section(run.out)
    assert {row["worker"] for row in run.record["loops"]} == {"gw0", "gw1"}
    assert {row["bound_to"].split("/")[1] for row in run.record["crossings"]} == {"A"}


# -- bad input, and never in the way -----------------------------------------------------


def test_without_pytest_asyncio_the_suites_result_is_its_own(suite):
    files = {"ini": "[pytest]\n", "test_a": "def test_a(): pass\n"}

    for option in ("--whichloop=explain", "--whichloop=strict", "--whichloop-audit"):
        run = suite("-p", "no:asyncio", option, **files)
        assert run.code == 0, run.out
        assert "warning" not in run.out


BREAKING = """
def broken(*args):
    raise ZeroDivisionError("driver of another version")

def pytest_configure(config):
    import asyncio
    from whichloop import Patcher
    patch = Patcher("asyncio primitives")
    patch.before(asyncio.Lock, "acquire", broken)
"""


def test_a_probe_that_fails_is_switched_off_with_one_warning_that_names_it(suite):
    text = """
    import asyncio

    async def test_one():
        async with asyncio.Lock():
            pass

    async def test_two():
        async with asyncio.Lock():
            pass
    """

    run = suite("-W", "error", fixture="function", conftest=BREAKING, test_a=text)

    assert run.code == 0, run.out
    assert run.out.count("probe asyncio primitives switched off: ZeroDivisionError") == 1


def test_a_driver_version_with_other_names_switches_its_probe_off(suite, tmp_path):
    package = tmp_path / "lib" / "motor"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text("class NewClient:\n    pass\n")
    text = "import motor.core\n\ndef test_a(): motor.core.NewClient()\n"

    run = suite(test_a=text, env={"PYTHONPATH": str(tmp_path / "lib")})

    assert run.code == 0, run.out
    assert run.out.count("whichloop: warning: probe motor switched off: AttributeError") == 1


def test_a_loop_class_of_the_suites_own_is_no_trouble(suite):
    text = """
    import asyncio

    class Other(asyncio.SelectorEventLoop):
        __slots__ = ()

    def test_own_loop():
        loop = Other()
        try:
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()
    """

    run = suite("--whichloop=strict", test_a=text)

    assert run.code == 0, run.out


def test_no_driver_is_imported_that_the_suite_did_not_import(suite):
    text = """
    import sys

    def test_a():
        drivers = {"motor", "pymongo", "sqlalchemy", "asyncpg", "redis", "httpx", "grpc",
                   "aiohttp", "uvloop", "psycopg_pool"}
        assert not drivers & set(sys.modules)
    """

    assert suite(test_a=text).code == 0


def test_a_mistyped_mode_is_a_usage_error(suite):
    run = suite("--whichloop=explian")

    assert run.code == 4
    assert "invalid choice" in run.out


def test_a_session_started_by_a_test_does_not_end_the_watch(suite):
    nested = """
    import pytest

    @pytest.mark.parametrize("option", ["explain", "off", "strict"])
    def test_nested(option):
        arguments = ["-q", "-p", "no:cacheprovider", "inner_case.py", f"--whichloop={option}"]
        assert pytest.main([*arguments, "-o", "asyncio_default_fixture_loop_scope=module"]) == 0
    """
    inner = "async def test_inner(): pass\n"

    run = suite("-W", "ignore", test_a=nested, test_b=QUEUE, inner_case=inner)

    assert run.failed == {"test_b.py::test_get"}
    assert run.record["settings"]["fixture_loop_scope"] == "session"
    assert run.record["crossings"]
    assert "asyncio.queues.Queue, built at test_b.py:10 by fixture queue" in section(run.out)
    assert "loop scope mismatch" in section(run.out)


# -- a probe from outside ----------------------------------------------------------------


def test_a_probe_from_another_package_is_found_by_its_entry_point(suite):
    example = Path(__file__).parent / "example_probe"
    text = """
    import pytest
    from pigeonpost import Pigeon

    @pytest.fixture
    async def pigeon():
        pigeon = Pigeon()
        pigeon.fly()
        return pigeon

    async def test_fly(pigeon):
        with pytest.raises(RuntimeError):
            pigeon.fly()
        raise RuntimeError("Event loop is closed")
    """

    run = suite(test_a=text, env={"PYTHONPATH": str(example)})

    assert "Let    pigeon pigeonpost.Pigeon, built at test_a.py:7 by fixture pigeon" in run.out
    assert run.findings[0]["object"]["driver"] == "pigeonpost"


def test_recordings_are_json_that_the_command_draws(queue_run, tmp_path, capsys):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(queue_run.record))

    assert main(["lanes", str(path), "--ascii"]) == 0
    drawn = capsys.readouterr().out
    assert "session loop" in drawn
    assert "X used on B at test_a.py:17" in drawn
