"""What `--whichloop-audit` foresees, and how it says so. Nothing is run."""

import json
import textwrap

import pytest
from conftest import ini, run_suite
from whichloop.cli import main
from whichloop.options import half_set, unknown
from whichloop.records import Settings

from scripts.sides import manifest
from scripts.verdict.grade import documented_verdicts
from tests.support import commands

MISMATCH = """
    import pytest

    @pytest.fixture
    async def test_db(): ...

    @pytest.mark.parametrize("n", range(5))
    async def test_rows(test_db, n): ...
"""


def test_the_audit_names_mismatches_through_other_fixtures_and_runs_nothing(suite):
    text = """
    import pytest

    @pytest.fixture
    async def test_db():
        raise RuntimeError("this was run")

    @pytest.fixture
    def through(test_db):
        return test_db

    async def test_direct(test_db): ...
    async def test_through(through): ...
    def test_sync(test_db): ...
    """

    run = suite("--whichloop-audit", test_a=text)

    assert run.code == 1
    assert (
        "WL001 loop scope mismatch: fixture test_db runs on a session loop, the tests that use it "
        "on a function loop (test_a.py:4) 2 tests: test_a.py::test_direct test_a.py::test_through "
    ) in " ".join(run.out.split())
    assert "    test_a.py::test_sync" not in run.out
    assert "this was run" not in run.out
    assert "1 loop problem in 3 collected tests; nothing was run" in run.out


def test_the_audit_names_a_fixture_cached_longer_than_its_loop(suite):
    text = """
    import pytest

    @pytest.fixture(scope="module")
    async def value(): ...

    async def test_value(value): ...
    """

    run = suite("--whichloop-audit", fixture="function", test_a=text)

    assert run.code == 1
    assert "fixture value is cached for the module but runs on a function loop" in (
        " ".join(run.out.split())
    )


@pytest.mark.parametrize("options", ["", "autouse=True"])
def test_an_ignored_event_loop_override_is_a_note_and_no_problem(suite, options):
    text = f"""
    import asyncio
    import pytest

    @pytest.fixture({options})
    def event_loop():
        loop = asyncio.new_event_loop()
        yield loop
        loop.close()

    async def test_a(): ...
    """

    run = suite("--whichloop-audit", fixture="function", test_a=text)

    assert run.code == 0
    assert "note WL010 ignored fixture: fixture event_loop is ignored: " in run.out
    assert "(test_a.py:5)" in run.out
    assert "0 loop problems, 1 note in 1 collected test; nothing was run" in run.out
    assert main(["explain", "WL010"]) == 0


def test_the_audit_passes_when_scopes_agree_and_fails_on_a_broken_conftest(suite):
    assert suite("--whichloop-audit", test="session", test_a=MISMATCH).code == 0

    bad = suite("--whichloop-audit", conftest="raise RuntimeError('broken conftest')\n")
    assert bad.code == 4
    assert "broken conftest" in bad.out
    assert "whichloop/" not in bad.out


def test_each_finding_is_told_once_with_its_tests_counted(suite):
    run = suite("--whichloop-audit", test_a=MISMATCH)

    assert "  5 tests:\n    test_a.py::test_rows[0]\n" in run.out
    assert "    test_a.py::test_rows[2]\n    and 2 more\n" in run.out
    assert run.out.count("fixture test_db") == 1


def test_the_audit_as_json_is_all_that_is_written(suite):
    run = suite("--whichloop-audit=json", test_a=MISMATCH)

    assert run.code == 1
    audit = json.loads(run.out)
    assert (audit["schema_version"], audit["tests"]) == (1, 5)
    (finding,) = audit["findings"]
    assert (finding["code"], finding["sure"], finding["count"]) == ("WL001", True, 5)
    assert (finding["file"], finding["line"]) == ("test_a.py", 4)
    assert finding["tests"][4] == "test_a.py::test_rows[4]"


def test_the_audit_as_annotations_of_a_workflow(tmp_path):
    name = "a,b"  # signs that separate the properties of an annotation
    override = "import pytest\n\n@pytest.fixture\ndef event_loop(): ...\n"
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "conftest.py").write_text(override)
    (tmp_path / name / "test_b.py").write_text("async def test_b(): ...\n")
    text = "\n".join(line[4:] for line in MISMATCH.splitlines())

    run = run_suite(tmp_path, "--whichloop-audit=github", ini=ini(), test_a=text)

    errors = [line for line in run.out.splitlines() if line.startswith("::")]
    assert [line.partition("::fixture")[0] for line in errors] == [
        "::notice file=a%2Cb/conftest.py,line=3,title=WL010 ignored fixture",
        "::error file=test_a.py,line=4,title=WL001 loop scope mismatch",
    ]
    assert errors[1].endswith("on a function loop; 5 tests")
    assert run.code == 1


def test_what_stands_behind_the_option_is_a_path_and_no_form(suite):
    run = suite("--whichloop-audit", "test_a.py", test_a=MISMATCH, test_b="import nothing_such")

    assert (run.code, run.outcomes) == (1, {})
    assert "1 loop problem in 5 collected tests" in run.out
    assert suite("--whichloop-audit=xml").code == 4


# -- objects that outlive a loop -----------------------------------------------------------

URL = "postgresql+asyncpg://nobody@localhost/none"  # nothing connects
DB = f"""
    from functools import lru_cache
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    URL = "{URL}"

    @lru_cache
    def get_engine():
        return create_async_engine(URL)
"""
FORTY = """
    import pytest
    from db import get_engine

    @pytest.mark.parametrize("n", range(40))
    async def test_rows(n):
        async with get_engine().connect() as connection:
            ...
"""
CACHE = """
    import redis.asyncio

    cache = redis.asyncio.Redis()
"""
TWO = """
    import pytest
    import app

    async def test_one():
        await app.{use}

    async def test_two():
        await app.{use}
"""


def findings_in(run):
    """Those of the JSON, which pytest's own warnings may stand around on stderr."""
    return json.JSONDecoder().raw_decode(run.out, run.out.index("{\n"))[0]["findings"]


@pytest.fixture
def audit(suite):
    """A function (*options, **files): the audit's findings, as JSON has them."""

    def run(*options, fixture="function", **files):
        done = suite("--whichloop-audit=json", *options, fixture=fixture, **files)
        findings = findings_in(done)
        assert done.code == (1 if any(finding["sure"] for finding in findings) else 0)
        return findings

    return run


def told(findings):
    return [(finding["text"], finding["sure"], finding["count"]) for finding in findings]


ON_FORTY = "beyond one loop: 40 coroutine tests run on 40 loops (loop scope function)"


def test_an_engine_that_a_cache_will_hold_is_a_note_with_its_forty_tests(suite, audit):
    run = suite("--whichloop-audit", fixture="function", db=DB, test_a=FORTY)

    words = " ".join(run.out.split())
    assert f"db.py: get_engine may keep one SQLAlchemy AsyncEngine {ON_FORTY} (db.py:8)" in words
    assert "0 loop problems, 1 note in 40 collected tests; nothing was run" in words
    assert run.code == 0
    assert audit(test="session", fixture="session", db=DB, test_a=FORTY) == []


def test_what_a_fixture_may_clear_from_its_cache_says_so(audit):
    conftest = """
    import db, pytest

    @pytest.fixture(autouse=True)
    def cleared():
        db.get_engine.cache_clear()
    """

    (finding,) = audit(conftest=conftest, db=DB, test_a=FORTY)

    assert finding["text"].endswith("; fixture cleared may end or replace it")


@pytest.mark.parametrize(
    "sessions",
    [
        "async_sessionmaker(get_engine())",
        "sqlalchemy.orm.sessionmaker(get_engine(), class_=sqlalchemy.ext.asyncio.AsyncSession)",
    ],
)
def test_an_engine_that_a_cache_holds_is_certain_whatever_else_keeps_it(audit, sessions):
    factory = DB + f"    import sqlalchemy.orm\n    Sessions = {sessions}\n"

    (finding,) = audit(db=factory, test_a=FORTY)

    assert finding["text"] == (
        "db.py: get_engine() and db.py: Sessions keep one SQLAlchemy AsyncEngine " + ON_FORTY
    )
    assert (finding["code"], finding["site"], finding["sure"]) == ("WL003", "db.py:8", True)


HARMLESS = """
    from functools import lru_cache
    from sqlalchemy import NullPool
    from sqlalchemy.ext.asyncio import create_async_engine

    null = create_async_engine("postgresql+asyncpg://nobody@localhost/none", poolclass=NullPool)
    psycopg = create_async_engine("postgresql+psycopg://nobody@localhost/none")
    sqlite = create_async_engine("sqlite+aiosqlite://")

    @lru_cache
    def get_null():
        return create_async_engine("postgresql+asyncpg://", poolclass=NullPool)

    @lru_cache
    def get_psycopg():
        return create_async_engine("postgresql+psycopg://")

    @lru_cache
    def get_sqlite():
        return create_async_engine("sqlite+aiosqlite://")
"""


def test_harmless_engines_are_told_apart(audit):
    use = "null, app.psycopg, app.sqlite, app.get_null(), app.get_psycopg(), app.get_sqlite()"

    assert audit(app=HARMLESS, test_a=TWO.format(use=use)) == []


# The body of a fixture that both tests use, and what then may end the engine; None: nothing does.
ENDED = [
    ("yield\n    await {db}.engine.dispose()", "fixture ended"),
    ("await ends()", "fixture ended (in ends)"),
    ("{db}.Sessions.configure(bind=None)", "fixture ended"),
    ("{db}.engine = None", "fixture ended"),
    ("monkeypatch.setattr('{db}.engine', None)", "fixture ended"),
    ("monkeypatch.setattr({db}, 'engine', None)", "fixture ended"),
    ("other = object()\n    await other.dispose()", None),
    ("{db}.get_engine.cache_clear()", None),  # the module's name keeps it still
]
ENDS = """\
import pytest
import {db}

async def ends():
    await {db}.engine.dispose()

@pytest.fixture(autouse=True)
async def ended(monkeypatch):
    {body}

async def test_one():
    await {db}.engine.connect()

async def test_two():
    await {db}.engine.connect()
"""


def test_a_fixture_that_may_end_the_object_makes_it_a_note(audit):
    db = DB + "    engine = get_engine()\n    Sessions = async_sessionmaker(engine)\n"
    files = {}
    for at, (body, _) in enumerate(ENDED):
        name = f"db{at}"
        files |= {name: db, f"test_{at}": ENDS.format(db=name, body=body.format(db=name))}

    findings = audit(**files)

    assert len(findings) == len(ENDED)
    for at, (_, by) in enumerate(ENDED):
        (finding,) = (found for found in findings if found["file"] == f"db{at}.py")
        assert (finding["sure"], finding["count"]) == (by is None, 2)
        assert by is None or finding["text"].endswith(f"; {by} may end or replace it")


# What an app does with its client, how a test uses that, and the path to it.
PATHS = [
    ("", "cache.get(1)", "cache"),
    ("class Store:\n    held = {'a': [cache]}\ndel cache", "Store.held", 'Store.held["a"][0]'),
    ("class A: ...\nstore = A()\nstore.inner = cache\ndel cache", "store", "store.inner"),
    ("async def use():\n    await cache.get(1)", "use()", "cache"),
    ("class Store:\n    def use(self):\n        cache.get(1)", "Store().use()", "cache"),
    (
        "class Store:\n    def use(self):\n        self.a.get(1)\n"
        "store = Store()\nstore.a = cache\ndel cache",
        "store.use()",
        "store.a",
    ),
    ("import functools\n@functools.cache\ndef get(): return cache\nget()", "get()", "get()"),
]


def test_the_path_to_the_object_is_told(audit):
    files = {}
    for at, (more, use, _) in enumerate(PATHS):
        files[f"app{at}"] = textwrap.dedent(CACHE) + more + "\n"
        files[f"test_{at}"] = TWO.replace("app", f"app{at}").format(use=use)

    findings = audit(**files)

    assert len(findings) == len(PATHS)
    for at, (_, _, path) in enumerate(PATHS):
        (finding,) = (found for found in findings if found["file"] == f"app{at}.py")
        assert f"app{at}.py: {path}" in finding["text"]
        assert (finding["sure"], finding["count"]) == (True, 2)


def test_a_cached_property_that_is_not_asked_yet_is_a_may(audit):
    app = """
    import functools
    import httpx

    class Api:
        @functools.cached_property
        def client(self):
            return httpx.AsyncClient()

    api = Api()
    """

    (finding,) = audit(app=app, test_a=TWO.format(use="api.client.get('')"))

    assert "app.py: api.client may keep one httpx AsyncClient" in finding["text"]
    assert not finding["sure"]


def test_an_object_that_no_test_names_is_a_note(audit):
    test = "import app\n\nasync def test_one(): ...\n\nasync def test_two(): ...\n"

    (finding,) = audit(app=CACHE, test_a=test)

    assert finding["text"].endswith("that a test uses it is not seen from the names in its code")
    assert not finding["sure"]


@pytest.mark.parametrize(
    "app",
    [
        "import asyncio\ncache = asyncio.Lock()\n",  # binds if tasks wait for it, and not now
        "import httpx\ncache = httpx.AsyncClient(transport=httpx.ASGITransport(app=None))\n",
        "import unittest.mock\ncache = unittest.mock.MagicMock()\n",
    ],
)
def test_what_binds_to_no_loop_is_not_told(audit, app):
    assert audit(app=app, test_a=TWO.format(use="cache")) == []


BOUND = """\
import asyncio

async def bound():
    lock = asyncio.Lock()
    async with lock:
        waiting = asyncio.ensure_future(lock.acquire())
        await asyncio.sleep(0)
    await waiting
    return lock

"""


def test_what_has_a_loop_already_is_told(audit):
    app = BOUND + "lock = asyncio.run(bound())\n"

    (finding,) = audit(app=app, test_a=TWO.format(use="lock.acquire()"))

    assert "app.py: lock keeps one asyncio Lock that is bound already" in finding["text"]


def test_one_loop_for_all_users_is_no_finding(audit):
    once = TWO.format(use="cache.get(1)").replace("await app.cache.get(1)", "...", 1)

    assert audit(app=CACHE, test_a=once) == []


HOSTILE = """
    import functools, sys, types

    class Hostile(type):
        def __hash__(cls): raise KeyError("hashed")
        def __eq__(cls, other): raise KeyError("compared")
        def __getattribute__(cls, name): raise KeyError("asked")

    class Odd(metaclass=Hostile):
        def __getattribute__(self, name):
            raise SystemExit("asked")
        def __bool__(self): raise KeyError("truth")
        def __len__(self): raise KeyError("length")
        __eq__ = __hash__ = __iter__ = __repr__ = __len__

    class Blocks:
        @property
        def engine(self):
            while True: ...
        @functools.cached_property
        def other(self):
            while True: ...

    odd, blocks = Odd(), Blocks()
    ring = [odd]
    ring.append(ring)
    deep = {}
    for _ in range(5000):
        deep = {1: deep, "odd": odd}
    many = list(range(1_000_000))
    for n in range(200_000):
        globals()[f"name{n}"] = object()
    import redis.asyncio
    cache = redis.asyncio.Redis()

    class Lazy(types.ModuleType):
        def __getattribute__(self, name): raise SystemExit(name)
    sys.modules["lazy"] = Lazy("lazy")
"""


def test_modules_whose_attributes_raise_block_or_are_circular_break_nothing(audit):
    use = "odd.x.y; app.blocks.engine; app.ring; app.deep; app.many; aa.cache.get(1)"

    cut, cache = audit(
        aa=CACHE, app=HOSTILE, test_a=TWO.replace("import app", "import aa, app").format(use=use)
    )

    assert cut["text"] == "of app.py only the first 20,000 objects were looked at"
    assert "aa.py: cache keeps one redis client" in cache["text"]
    assert (cut["sure"], cache["sure"]) == (False, True)


def test_the_tests_of_several_workers_are_collected_here(audit):
    ini_file = ini("function") + "addopts = -n 2\n"

    assert told(audit(ini=ini_file, app=CACHE, test_a=TWO.format(use="cache.get(1)")))


MANIFEST = manifest.load()
CURED = [
    side
    for side in MANIFEST.of("fix")
    if documented_verdicts(side, MANIFEST)["overall"] == "RESOLVED_FULL"
]


@pytest.mark.parametrize("side", CURED, ids=lambda side: side.folder)
def test_a_remedy_that_cures_gets_notes_at_most(side, urls_of):
    done = commands.pytest(side.folder, "--whichloop-audit", **urls_of("postgres"))

    assert "0 loop problems" in done.must_exit(0).out


# -- calls in the project's own code -------------------------------------------------------

# The body of an async test, and what is told of it: None for nothing, else is it certain?
RUNS = [
    ("asyncio.run(work())", True),
    ("asyncio.get_event_loop().run_until_complete(work())", True),
    ("async with asyncio.timeout(1):\n        asyncio.run(work())", False),
    ("with pytest.raises(RuntimeError):\n        asyncio.run(work())", False),
    ("if len('a'): return\n    asyncio.run(work())", False),
    ("pytest.skip()\n    asyncio.run(work())", False),
    ("loop = object()\n    loop.run_until_complete(work())", False),
    ("helper()", False),
    ("await asyncio.to_thread(lambda: asyncio.run(work()))", None),
    ("import subprocess\n    subprocess.run(['true'])", None),
]
RUN = """\
import asyncio
import pytest

async def work(): ...

def helper():
    return asyncio.run(work())

{mark}
async def test_{at}():
    {body}
"""


def test_runs_inside_of_a_running_loop_are_told(audit):
    files = {
        f"test_{at}": RUN.format(at=at, body=body, mark="") for at, (body, _) in enumerate(RUNS)
    }
    files["test_skipped"] = RUN.format(at="skipped", body=RUNS[0][0], mark="@pytest.mark.skip")

    findings = audit(**files)

    seen = {finding["tests"][0]: finding["sure"] for finding in findings}
    wanted = {f"test_{at}.py::test_{at}": sure for at, (_, sure) in enumerate(RUNS)}
    wanted["test_skipped.py::test_skipped"] = False
    assert seen == {test: sure for test, sure in wanted.items() if sure is not None}
    assert {finding["code"] for finding in findings} == {"WL020"}
    assert main(["explain", "WL020"]) == 0


def test_what_is_certain_to_raise_raises(suite):
    body = next(body for body, sure in RUNS if sure)

    run = suite(test_a=RUN.format(at="a", body=body, mark=""))

    assert run.failed == {"test_a.py::test_a"}
    assert "asyncio.run() cannot be called from a running event loop" in run.out


def test_a_run_in_an_async_fixture_is_told_once_with_its_tests(audit):
    text = """
    import asyncio
    import pytest

    async def work(): ...

    @pytest.fixture
    async def prepared():
        asyncio.run(work())

    @pytest.mark.parametrize("n", range(4))
    async def test_rows(prepared, n): ...
    """

    (finding,) = audit(test_a=text)

    assert (finding["text"], finding["sure"], finding["count"]) == (
        "fixture prepared calls asyncio.run(), which raises where a loop runs already",
        True,
        4,
    )
    assert (finding["file"], finding["line"]) == ("test_a.py", 9)


# A function of the app's, and whether it takes a loop for a key or a guard.
KEYS = [
    ("return kept[id(asyncio.get_running_loop())]", True),
    ("loop = asyncio.get_running_loop()\n    return kept.setdefault((1, id(loop)), 2)", True),
    ("key = id(asyncio.get_running_loop())\n    if key not in kept: kept[key] = 1", True),
    ("global client\n    if loop.is_closed(): client = 1", True),
    ("if client is None or not loop.is_closed(): return client", True),
    ("if not loop.is_closed(): loop.close()", False),
    ("print(id(loop))", False),
    ("assert id(loop) == id(client)", False),
    ("return kept[id(client)]", False),
    ("assert loop.is_closed()", False),
]


def test_a_loop_as_a_key_or_a_guard_is_a_note(audit):
    head = "import asyncio\nloop, client, kept = asyncio.new_event_loop(), None, {}\nloop.close()\n"
    app = head + "".join(f"def use{at}():\n    {body}\n" for at, (body, _) in enumerate(KEYS))
    uses = "\n".join(f"async def test_{at}():\n    app.use{at}()\n" for at in range(len(KEYS)))

    findings = audit(app=app, test_a=f"import app\n{uses}")

    assert {(finding["code"], finding["sure"]) for finding in findings} == {("WL021", False)}
    assert [finding["tests"] for finding in findings] == [
        [f"test_a.py::test_{at}"] for at, (_, told) in enumerate(KEYS) if told
    ]


@pytest.mark.parametrize(
    "patch",
    ["import nest_asyncio; nest_asyncio.apply()", "from nest_asyncio import apply as a; a()"],
)
def test_nest_asyncio_is_a_note(audit, patch):
    (finding,) = audit(conftest=patch, test_a=RUN.format(at="a", body="...", mark=""))

    assert (finding["code"], finding["sure"], finding["count"]) == ("WL022", False, 1)
    assert finding["site"] == "conftest.py:1"


# -- options of pytest-asyncio -------------------------------------------------------------

HALF = """
    import pytest

    @pytest.fixture
    async def db(): ...

    async def test_one(db): ...
    async def test_two(db): ...
    async def test_three(): ...

    @pytest.mark.asyncio(loop_scope="module")
    async def test_marked(db): ...
"""
FIXTURES, TESTS = (f"asyncio_default_{what}_loop_scope" for what in ("fixture", "test"))


@pytest.mark.parametrize(("given", "missing"), [(FIXTURES, TESTS), (TESTS, FIXTURES)])
def test_half_set_options_are_a_note_with_the_tests_that_they_move_apart(audit, given, missing):
    half = f"[pytest]\nasyncio_mode = auto\n{given} = session\n"

    (note,) = (one for one in audit(ini=half, test_a=HALF) if one["code"] == "WL023")

    assert f"{given} = session moves" in note["text"]
    assert note["text"].endswith(f"{missing} is not set")
    assert (note["sure"], note["site"]) == (False, "pytest.ini:3")
    assert note["tests"] == ["test_a.py::test_one", "test_a.py::test_two"]
    assert main(["explain", note["code"]]) == 0


@pytest.mark.parametrize("line", [f"{FIXTURES} = session", f"{FIXTURES} = function", ""])
def test_half_set_options_that_move_nothing_apart_are_no_note(audit, line):
    text = HALF.replace("async def db", "def db")

    assert audit(ini=f"[pytest]\nasyncio_mode = auto\n{line}\n", test_a=text) == []


def test_what_options_are_half_set_or_unknown_depends_on_the_version():
    def of(version, options):
        settings = Settings(pytest="8.3.5", pytest_asyncio=version)
        return half_set(options, settings), [one.text for one in unknown(options, settings, {})]

    alone = {FIXTURES: "session"}
    assert of("1.5.0", alone) == of("0.24.0", alone) == ({TESTS: "session"}, [])
    assert of("0.23.8", alone) == (
        {},
        [f"{FIXTURES}: pytest-asyncio 0.23.8 has no such option, 0.24 has"],
    )
    assert of("1.5.0", {FIXTURES: "fixture-scope"}) == of("", {"asyncio_mod": "x"}) == ({}, [])
    assert of("1.5.0", {FIXTURES: "session", TESTS: "function"}) == ({}, [])


# Lines of a configuration, how pytest ends on them (on an unknown mode when it first asks for it,
# in its header or while it collects), and what the audit tells of them.
UNKNOWN = [
    ("asyncio_mod = auto", (0,), "asyncio_mod: pytest-asyncio"),
    ("asyncio_mod = auto\naddopts = --strict-config", (4,), "asyncio_mod: pytest-asyncio"),
    ("asyncio_mode = atuo", (2, 4), "asyncio_mode = atuo: pytest-asyncio"),
    ("asyncio_mode = x", (2, 4), "asyncio_mode = x is unknown"),
    (f"{FIXTURES} = sesion", (4,), f"{FIXTURES} = sesion: pytest-asyncio"),
    (
        "asyncio_mode = x\naddopts = -o asyncio_mode=atuo",
        (2, 4),
        "asyncio_mode = atuo: pytest-asyncio",
    ),
]


@pytest.mark.parametrize(
    ("lines", "codes", "text", "form"),
    [(*row, "=json") for row in UNKNOWN] + [(*UNKNOWN[2], form) for form in ("", "=github")],
)
def test_an_option_that_does_not_exist_is_told_where_pytest_ends_too(
    suite, lines, codes, text, form
):
    test = "async def test_a(): ..."
    run = suite(f"--whichloop-audit{form}", ini=f"[pytest]\n{lines}\n", test_a=test)

    assert run.code in codes
    if form == "=json":
        (note,) = findings_in(run)
        assert (note["code"], note["sure"], note["site"]) == ("WL024", False, "pytest.ini:2")
        assert note["text"].startswith(text)
    elif form:
        assert f"::notice file=pytest.ini,line=2,title=WL024 unknown option::{text}" in run.out
    else:
        assert f"note WL024 unknown option: {text}" in " ".join(run.out.split())
        assert run.out.count("WL024") == 1


LAZY = """
    from functools import lru_cache

    @lru_cache
    def get_engine():
        from sqlalchemy.ext.asyncio import create_async_engine
        return create_async_engine("postgresql+asyncpg://nobody@localhost/none")

    @lru_cache
    def get_client():
        from motor.motor_asyncio import AsyncIOMotorClient
        return AsyncIOMotorClient()
"""


def test_drivers_that_are_imported_in_functions_are_foreseen_in_a_tree_that_is_read_only(
    audit, tmp_path
):
    (tmp_path / "suite").mkdir()
    audit(app=LAZY, test_a=TWO.format(use="get_engine(), app.get_client()"))
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "suite").chmod(0o555)

    engine, client = audit()

    assert "get_engine may keep one SQLAlchemy AsyncEngine" in engine["text"]
    assert "get_client may keep one Motor client" in client["text"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bound_lock_that_a_class_of_a_dependency_keeps_is_a_note(audit, tmp_path):
    home = tmp_path / "suite" / "site-packages"
    home.mkdir(parents=True)
    (home / "dependency.py").write_text(BOUND + "class Store:\n    lock = asyncio.run(bound())\n")
    test = "import dependency\n\nasync def test_one(): ...\n\nasync def test_two(): ...\n"

    (note,) = audit(conftest=f"import sys\nsys.path.insert(0, {str(home)!r})\n", test_a=test)

    assert f"{home.name}/dependency.py: Store.lock keeps one asyncio Lock" in note["text"]
    assert (note["code"], note["sure"], note["count"], note["line"]) == ("WL003", False, 2, 11)
