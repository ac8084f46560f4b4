"""The pure half: records in, a finding out. No loop, no driver, no pytest internals."""

from pathlib import Path

import pytest
from whichloop.diagnose.case import Case, made
from whichloop.diagnose.causes import CAUSES, MISMATCH
from whichloop.diagnose.codes import page
from whichloop.diagnose.cures import ENTRIES
from whichloop.diagnose.explain import cause_of, choose, explain
from whichloop.present.section import render
from whichloop.records import (
    Actor,
    Crossing,
    Failure,
    Frame,
    LoopRecord,
    ObjectRecord,
    Recording,
    Settings,
    Site,
)

from whichloop import messages

TEST = Actor("test", "test_a.py::test_one")
FIXTURE = Actor("fixture", "db", "function", "session")
LINE = Site("test_a.py", 9, "test_one")
MESSAGES = Path(messages.__file__)
DIAGNOSE = MESSAGES.parent / "diagnose"
DIFFERENT = ("RuntimeError", "Task <T> got Future <F> attached to a different loop")


def loop(name, runner="pytest-asyncio", scope=None, born=1, closed=None, thread="MainThread"):
    return LoopRecord(name, "asyncio.Loop", runner, scope, thread, TEST, None, born, closed)


def motor(**changes):
    values = {
        "seq": 1,
        "driver": "motor",
        "label": "motor client",
        "type": "AsyncIOMotorClient",
        "built_at": Site("conftest.py", 4, "db"),
        "built_by": FIXTURE,
        "bound_to": "A",
        "bound_at": Site("conftest.py", 5, "db"),
        "bound_by": FIXTURE,
    }
    return ObjectRecord(**(values | changes))


def recording(bound, using, obj=None, settings=None, tick=9):
    obj = obj or motor()
    crossing = Crossing(obj.seq, bound.id, using.id, LINE, TEST, TEST.name, tick)
    own = settings or Settings(
        pytest_asyncio="1.5.0", fixture_loop_scope="session", test_loop_scope="function"
    )
    return Recording((bound, using), (obj,), (crossing,), (), own)


def failure(*chain, line=LINE):
    frames = (Frame(line, True), Frame(Site("/lib/x.py", 3, "f"), False))
    return Failure(tuple(chain) or (DIFFERENT,), frames, TEST.name, "call", "B")


SESSION = loop("A", scope="session")
FUNCTION = loop("B", scope="function", born=5)


@pytest.mark.parametrize(
    ("test_loop", "fixture_loop", "cures", "change"),
    [
        (
            loop("A", scope="function", closed=7),
            loop("B", scope="session"),
            ["one-loop", "fixtures-to-tests"],
            "asyncio_default_fixture_loop_scope = function",
        ),
        (
            loop("A", scope="session"),
            loop("B", scope="function"),
            ["fixtures-to-tests"],
            "asyncio_default_fixture_loop_scope = session",
        ),
    ],
    ids=["a-test-on-its-own-loop", "the-mirror-image"],
)
def test_a_fixture_that_closes_on_its_loop_what_the_test_left_open(
    test_loop, fixture_loop, cures, change
):
    pooled = motor(driver="asyncpg", part_of="AsyncEngine", bound_by=TEST)
    at_teardown = failure()._replace(phase="teardown")

    finding = explain(recording(test_loop, fixture_loop, pooled), at_teardown)

    assert finding.cause == "closed on another loop"
    assert "that this test left open was closed by a fixture" in finding.headline
    assert [cure.id for cure in finding.cures] == cures
    assert finding.cures[-1].change == change


def test_a_fixture_on_the_session_loop_and_a_test_on_its_own():
    finding = explain(recording(SESSION, FUNCTION), failure())

    assert finding.cause == "loop scope mismatch"
    assert finding.crossing_line == LINE
    assert [cure.id for cure in finding.cures] == ["one-loop-tests", "fixtures-to-tests"]
    assert finding.cures[0].change == "asyncio_default_test_loop_scope = session"
    assert finding.cures[1].change == "asyncio_default_fixture_loop_scope = function"
    assert [cure.remedy for cure in finding.cures] == [9, 3]


@pytest.mark.parametrize(
    ("test_scope", "default", "change"),
    [
        ("session", "session", "asyncio_default_fixture_loop_scope = session"),
        # The option would take the fixtures of all other tests along.
        ("session", "function", '@pytest_asyncio.fixture(..., loop_scope="session")'),
        # The fixture and the test: neither is on the loop of what they use.
        ("function", "function", "asyncio_default_test_loop_scope = session"),
    ],
)
def test_a_fixture_is_moved_to_the_loop_of_its_test_and_of_what_it_uses(
    test_scope, default, change
):
    settings = Settings(
        pytest_asyncio="1.5.0", fixture_loop_scope="function", test_loop_scope=default
    )
    user = Actor("fixture", "user", "function", "function")
    seen = recording(SESSION, FUNCTION, settings=settings)
    by_a_fixture = seen._replace(crossings=(seen.crossings[0]._replace(by=user),))

    finding = explain(by_a_fixture, failure()._replace(test_scope=test_scope))

    assert change in finding.cures[0].change
    assert ("fixture user" in finding.cures[0].text) == (test_scope == "session")


def test_of_two_fixtures_the_one_beside_the_tests_loop_is_moved():
    inner = Actor("fixture", "user", "function", "session")
    seen = recording(FUNCTION._replace(id="A"), SESSION._replace(id="B"), motor())
    seen = seen._replace(
        crossings=(seen.crossings[0]._replace(by=inner),),
        settings=Settings(
            pytest_asyncio="1.5.0", fixture_loop_scope="function", test_loop_scope="session"
        ),
    )

    finding = explain(seen, failure()._replace(test_scope="session"))

    assert finding.cures[0].text.startswith("give fixture db")
    assert "session" in finding.cures[0].change


def test_the_configuration_file_stands_beside_its_option_and_not_beside_a_hook():
    settings = Settings(pytest_asyncio="0.24.0", test_loop_scope="function", ini="tox.ini")

    (cure, *_) = explain(recording(SESSION, FUNCTION, settings=settings), failure()).cures

    assert "fixture_loop_scope = session (in tox.ini) and in conftest.py, def" in cure.change
    assert cure.place == ""


@pytest.mark.parametrize(
    ("scope", "change"),
    [
        (
            "session",
            "asyncio_default_fixture_loop_scope = session and "
            "asyncio_default_test_loop_scope = session",
        ),
        # What is cached for the session would be refused a module's loop.
        ("module", "asyncio_default_test_loop_scope = module"),
    ],
)
def test_tests_are_moved_with_the_other_fixtures_that_they_use(scope, change):
    settings = Settings(
        pytest_asyncio="1.5.0", fixture_loop_scope="function", test_loop_scope="function"
    )

    finding = explain(recording(loop("A", scope=scope), FUNCTION, settings=settings), failure())

    assert finding.cures[0].change == change


def test_a_loop_per_test_is_no_advice_for_what_is_kept_longer_than_a_test():
    kept = motor(kept_by="module-level name app.client", built_by=Actor("import", "app"))

    finding = explain(recording(SESSION, FUNCTION, kept), failure())

    assert "fixtures-to-tests" not in [cure.id for cure in finding.cures]


@pytest.mark.parametrize(
    ("version", "change"),
    [
        ("1.5.0", "asyncio_default_test_loop_scope = session"),
        ("0.26.0", "asyncio_default_test_loop_scope = session"),
        ("0.25.3", 'loop_scope="session"'),
        ("0.25.3", "for each item of which pytest_asyncio.is_async_test(item)"),
        ("0.23.8", 'asyncio(scope="session")'),
        ("0.23.8", "event_loop that returns the fixture _session_event_loop"),
        ("0.21.2", 'redefine event_loop in conftest.py with scope="session"'),
    ],
)
def test_the_advice_is_in_the_words_of_the_installed_version(version, change):
    settings = Settings(
        pytest_asyncio=version, fixture_loop_scope="session", test_loop_scope="function"
    )

    finding = explain(recording(SESSION, FUNCTION, settings=settings), failure())

    assert change in finding.cures[0].change


# The causes of two loops that meet: each is a suite of the zoo.


@pytest.mark.parametrize("bound", [None, loop("A", runner="unknown")])
def test_loops_of_which_nothing_is_known_have_no_cause(bound):
    using = loop("B", runner="unknown")

    assert cause_of(Case(Settings(), None, bound, using), 9).name == "unknown"


def test_a_loop_that_was_closed_after_the_use_is_no_dead_loop():
    closed_later = loop("A", scope="session", closed=20)

    assert cause_of(Case(Settings(), None, closed_later, FUNCTION), 9) is MISMATCH


def two_crossings(first, second, at):
    """The first object is used at the line of the failure, the second after it at ``at``."""
    crossings = (
        Crossing(1, "A", "B", LINE, TEST, TEST.name, 8),
        Crossing(2, "A", "B", at, TEST, TEST.name, 9),
    )
    return Recording((SESSION, FUNCTION), (first, second), crossings)


def test_of_two_objects_at_one_line_the_one_nearer_to_the_user_is_named():
    plain = motor(seq=1, driver="asyncpg", type="asyncpg.Connection")
    pooled = motor(seq=2, driver="sqlalchemy", type="asyncpg.Connection", label="pooled connection")

    assert choose(two_crossings(plain, pooled, LINE), failure()).seq == 2


def test_the_crossing_on_the_tracebacks_line_wins_over_a_later_one():
    later = two_crossings(motor(seq=1), motor(seq=2), Site("test_a.py", 99, "test_one"))

    assert choose(later, failure()).seq == 1


def test_another_error_is_explained_only_where_it_passed_the_crossing():
    seen = recording(SESSION, FUNCTION)

    here = explain(seen, failure(("PoolError", "gone")))
    elsewhere = explain(seen, failure(("AssertionError", "1 == 2"), line=Site("t.py", 1, "t")))

    assert here.cause == "loop scope mismatch"
    assert here.sure.startswith("likely")
    assert elsewhere is None


def test_another_operation_after_a_crossing_in_an_earlier_test_is_a_loop_problem():
    message = ("InterfaceError", "cannot perform operation: another operation is in progress")
    left = motor(driver="asyncpg", bound_to="B", left_by="test_a.py::test_zero")
    seen = Recording((SESSION, FUNCTION), (left,), (), (), Settings())

    finding = explain(seen, failure(message))

    assert finding.cause == "loop scope mismatch"
    assert "test_a.py::test_zero" in finding.sentence


def test_what_is_not_known_is_not_guessed():
    finding = explain(Recording(), failure())

    assert finding.cause == "unknown"
    assert finding.object is None
    assert "not" in finding.sure
    assert "Cure   not known" in render(finding)


def test_a_message_of_the_catalogue_deep_in_a_chain_is_found():
    chain = (("DBAPIError", "x"), ("InterfaceError", "y"), ("RuntimeError", "Event loop is closed"))

    assert explain(recording(SESSION, FUNCTION), failure(*chain)).message == "loop-closed"


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
def test_every_headline_is_one_plain_sentence(cause):
    words = cause.headline.format(thing="queue")

    assert words.endswith(".")
    assert not {"loop", "asyncio", "await", "runner"} & set(words.lower().strip(".").split())


def test_a_section_is_never_wider_than_it_may_be():
    text = render(explain(recording(SESSION, FUNCTION), failure()))

    lines = [line for line in text.splitlines() if "http" not in line]
    assert max(map(len, lines)) <= 80
    for part in ("Let ", "Then ", "So ", "Cure ", "See "):
        assert any(line.startswith(part) for line in text.splitlines())


@pytest.mark.parametrize("name", list(ENTRIES))
def test_every_cure_can_be_worded(name):
    (cure,) = made([name], {"noun": "lock"}, Case(Settings(pytest_asyncio="1.5.0")))

    assert "{" not in cure.text + cure.change
    assert cure.link is None or cure.link.startswith("https://")


def test_every_cure_is_one_that_something_calls_for():
    sources = "".join(path.read_text("utf-8") for path in DIAGNOSE.glob("*.py"))
    sources += MESSAGES.read_text("utf-8")

    assert [name for name in ENTRIES if sources.count(f'"{name}"') < 2] == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("1.5.0", (1, 5, 0)), ("0.26.0rc1", (0, 26, 0)), (None, (99,)), ("dev", (99,))],
)
def test_versions_are_read(text, version):
    assert Settings(pytest_asyncio=text).asyncio_version == version


@pytest.mark.parametrize(
    ("opened", "at", "first"),
    [
        (Actor("fixture", "page", "session"), Site("conftest.py", 4), "end-running"),
        # Nothing to change in the suite: the fixture is a plugin's, or ends with its test already.
        (Actor("fixture", "page", "session"), None, "async-interface"),
        (Actor("fixture", "page", "function"), Site("conftest.py", 4), "async-interface"),
        # A notebook, or pytest.main() in a coroutine.
        (Actor("unknown", ""), None, "own-process"),
    ],
)
def test_a_loop_that_was_left_running_is_named(opened, at, first):
    left = LoopRecord("A", "asyncio.Loop", "new_event_loop", None, "MainThread", opened, at, 1)
    text = "Runner.run() cannot be called from a running event loop"
    failed = Failure((("RuntimeError", text),), (), TEST.name, "call", "B", "A")

    finding = explain(Recording((left, FUNCTION), (motor(),), (), (), Settings()), failed)

    assert (finding.cause, finding.sure, finding.object) == ("two plugins", "sure", None)
    assert finding.bound_loop == left
    assert finding.cures[0].id == first
    who = opened if opened.name else "what is not known"
    assert f"loop A was left running by {who}" in finding.sentence
    assert "Let    loop A was opened by" in render(finding)


REFUSED = "ScopeMismatch: You tried to access the function scoped fixture {} with a module scoped "
STACKS = {
    "9": "request object. Requesting fixture stack:\nconftest.py:3:  def app(db)\n"
    "conftest.py:7:  def db()\nRequested fixture:\n/lib/plugin.py:9:  def _scoped_runner(x)",
    "7": "request object, involved factories:\nconftest.py:3:  def app(db)\n"
    "conftest.py:7:  def db(event_loop)",
}


@pytest.mark.parametrize(
    ("pytest_version", "runner"), [("9", "_function_scoped_runner"), ("7", "event_loop")]
)
def test_a_fixture_that_pytest_refuses_is_named(pytest_version, runner):
    refused = failure(("Failed", REFUSED.format(runner) + STACKS[pytest_version]))

    finding = explain(Recording(), refused)

    assert "fixture db (conftest.py:7) is cached for the module" in finding.sentence
    assert "the loop of fixture db" in finding.cures[0].text
    assert finding.cures[1].change == 'leave scope="module" out of fixture db'


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
@pytest.mark.parametrize("runner", ["anyio", "unittest", "pytest-aiohttp", "asyncio.run"])
@pytest.mark.parametrize("driver", ["redis", "sqlalchemy"])
def test_without_pytest_asyncio_none_of_its_options_is_advised(cause, runner, driver):
    obj = motor(driver=driver, built_by=Actor("import", "app"))
    loops = [loop(name, runner=runner, scope="function") for name in "AB"]
    for using in (loops[1], None):
        without = Case(Settings(pytest="9.2.0", pytest_asyncio=""), obj, loops[0], using)
        cures = cause.cures(without)

        assert "asyncio_default" not in "".join(cure.change for cure in cures)
        assert "loop_scope" not in "".join(cure.change for cure in cures)
        assert bool(cures) == bool(cause.cures(without._replace(settings=Settings())))


@pytest.mark.parametrize(
    ("by", "first"),
    [
        (TEST, "with-testclient"),  # two requests of one test
        (Actor("test", "test_a.py::test_two"), "null-pool"),
    ],
)
def test_test_clients_of_several_tests_need_an_engine_that_keeps_nothing(by, first):
    portals = [loop(name, runner="TestClient") for name in "AB"]
    portals[1] = portals[1]._replace(opened_by=by)

    finding = explain(recording(*portals, motor(driver="sqlalchemy")), failure())

    assert finding.cause == "TestClient portal"
    assert finding.cures[0].id == first


SETUP = Actor("fixture", "_xunit_setup_method_fixture_TestJobs", "function")
KEPT = motor(kept_by="module-level name app.client", built_by=Actor("import", "app"))


@pytest.mark.parametrize(
    ("version", "change"),
    [
        (
            "1.5.0",
            '@pytest_asyncio.fixture(autouse=True, loop_scope="session") in its place and '
            "asyncio_default_test_loop_scope = session",
        ),
        ("0.23.8", "@pytest_asyncio.fixture(autouse=True) in its place and in conftest.py"),
    ],
)
def test_a_setup_method_that_runs_a_loop_of_its_own_becomes_an_async_fixture(version, change):
    ran = loop("A", runner="asyncio.run", closed=3)._replace(opened_by=SETUP)
    settings = Settings(pytest_asyncio=version, test_loop_scope="function")

    finding = explain(
        recording(ran, FUNCTION, KEPT, settings), failure()._replace(test_scope="function")
    )

    assert "what setup_method of TestJobs does on a loop of its own" in finding.cures[0].text
    assert finding.cures[0].change.startswith(change)


def test_tests_that_are_on_that_loop_already_need_no_option():
    ran = loop("A", runner="asyncio.run", closed=3)._replace(opened_by=SETUP)
    settings = Settings(pytest_asyncio="1.5.0", test_loop_scope="session")

    finding = explain(
        recording(ran, FUNCTION, KEPT, settings), failure()._replace(test_scope="session")
    )

    assert finding.cures[0].change == (
        '@pytest_asyncio.fixture(autouse=True, loop_scope="session") in its place'
    )


@pytest.mark.parametrize(
    ("runner", "by", "first"),
    [
        ("asyncio.run", TEST, "one-run"),
        ("asyncio.run", Actor("test", "test_a.py::test_two"), "one-runner"),
        ("asyncio.run", SETUP, "one-runner"),
        ("unittest", TEST, "async-setup"),
        ("anyio", SETUP, "await-in-anyios"),
    ],
)
def test_what_asyncio_run_is_replaced_by_depends_on_who_calls_it(runner, by, first):
    ran = loop("A", runner="asyncio.run", closed=3)._replace(
        opened_by=TEST if by.kind == "test" else by
    )
    other = loop("B", runner=runner, born=5)._replace(opened_by=by if by.kind == "test" else TEST)

    finding = explain(recording(ran, other, KEPT), failure())

    assert finding.cause == "asyncio.run repeated"
    assert finding.cures[0].id == first


def test_asyncio_run_inside_the_loop_that_runs_the_code_is_no_loop_left_running():
    """Seen from inside, as by whichloop.watch() in a coroutine, the loop rightly runs still."""
    text = "asyncio.run() cannot be called from a running event loop"
    inside = failure(("RuntimeError", text))._replace(running="B")

    finding = explain(Recording((FUNCTION,), (), (), (), Settings()), inside)

    assert (finding.cause, finding.using_loop) == ("asyncio.run repeated", FUNCTION)
    assert [cure.id for cure in finding.cures] == ["await-it"]


def test_the_page_of_a_code_has_every_cure_of_its_messages():
    for message in (*messages.LOOP, *messages.MAYBE, *messages.OTHER):
        assert set(message.cures) <= {cure.id for cure in page(message.cause.code).cures}, (
            message.id
        )
    assert [page(cause.code).name for cause in CAUSES.values()] == list(CAUSES)


FACTORIES = """
    import asyncio
    import uvloop

    def pytest_asyncio_loop_factories(config, item):
        factories = {"plain": asyncio.new_event_loop, "uv": uvloop.new_event_loop}
        return factories if "two" in item.name else {"only": uvloop.Loop}
"""
OF_FACTORIES = """
    import asyncio
    import pytest

    @pytest.fixture(scope="session")
    async def queue():
        queue = asyncio.Queue()
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        await queue.put(1)
        await waiting
        return queue

    @pytest.mark.parametrize("n", [7])
    async def test_two(queue, n):
        await asyncio.wait_for(queue.get(), 60)

    @pytest.mark.parametrize("n", [7])
    async def test_one(queue, n):
        await asyncio.wait_for(queue.get(), 60)
"""


def test_a_loop_of_pytest_asyncios_factories_carries_its_name(suite):
    run = suite(conftest=FACTORIES, test_a=OF_FACTORIES)

    owners = {finding["during"]: finding["bound_loop"]["owner"] for finding in run.findings}
    assert owners == {
        "test_a.py::test_two[plain-7]": "session loop of factory plain",
        "test_a.py::test_two[uv-7]": "session loop of factory uv",
        # The name of the only one pytest hides, and "7" is none.
        "test_a.py::test_one[7]": "session loop",
    }
    assert "the session loop of factory plain" in " ".join(run.out.split())
    assert "import of __main__" not in run.out
    used = {finding["during"]: finding["using_loop"]["owner"] for finding in run.findings}
    assert used["test_a.py::test_two[uv-7]"] == "function loop of test_a.py::test_two[uv-7]"
