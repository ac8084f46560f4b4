"""What an object belongs to and what keeps it, for drivers that no probe names, in the places where
projects keep such things. (The zoo's suites from 60 on show three more drivers.)"""

import asyncio
import sys
import types
from itertools import count
from pathlib import Path

import pytest
from conftest import ini, run_suite
from whichloop.observe import ways
from whichloop.observe.owners import Seen, owned
from whichloop.records import ObjectRecord

START = """
import asyncio, contextvars, dataclasses, functools, os, sys, types
import anyio, janus, psycopg, pytest
"""
TWICE = """
async def test_first():
    await queue().async_q.put(1)

async def test_second():
    await queue().async_q.put(2)
"""
# What keeps a janus.Queue, by what whichloop calls it; two tests use it, on a loop each.
PLACES = {
    'module-level name test_0.container.clients["mail"]': """
container = types.SimpleNamespace(clients={})

def queue():
    container.clients["mail"] = container.clients.get("mail") or janus.Queue()
    return container.clients["mail"]
""",
    "functools cache test_1.queue()": """
@functools.lru_cache
def queue():
    return janus.Queue()
""",
    "context variable test_2.current.get().queue": """
current = contextvars.ContextVar("current")
current.set(types.SimpleNamespace(queue=None))

def queue():
    current.get().queue = current.get().queue or janus.Queue()
    return current.get().queue
""",
    'module-level name test_3._made["jobs"]': """
_made = {}

def __getattr__(name):
    if name != "jobs":
        raise AttributeError(name)
    return _made.get(name) or _made.setdefault(name, janus.Queue())

def queue():
    return sys.modules[__name__].jobs
""",
    "module-level name test_4.app.state.depot.queue": """
@dataclasses.dataclass(slots=True)
class Depot:
    queue: object = None

app = types.SimpleNamespace(state=types.SimpleNamespace(depot=Depot()))

def queue():
    app.state.depot.queue = app.state.depot.queue or janus.Queue()
    return app.state.depot.queue
""",
    'module-level name framework.registry._clients["jobs"]': """
from framework import registry

def queue():
    return registry.get("jobs", janus.Queue)
""",
    "fixture jobs, cached for the session": """
@pytest.fixture(scope="session")
async def jobs():
    return janus.Queue()

@pytest.fixture
def queue(jobs):
    return lambda: jobs
""",
}
# An installed package, which has a registry.
FRAMEWORK = """
class Registry:
    def __init__(self):
        self._clients = {}

    def get(self, name, make):
        return self._clients.get(name) or self._clients.setdefault(name, make())

registry = Registry()
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What the suite's failures say of their objects, by the test's file."""
    folder = tmp_path_factory.mktemp("places") / "suite"
    package = folder / "lib/site-packages/framework"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FRAMEWORK)
    files = {f"test_{at}": START + text + TWICE for at, text in enumerate(PLACES.values())}
    files["test_6"] = files["test_6"].replace("test_first()", "test_first(queue)")
    files["test_6"] = files["test_6"].replace("test_second()", "test_second(queue)")
    run = run_suite(folder, ini=ini() + "pythonpath = lib/site-packages\n", **files)
    return {finding["during"]: finding for finding in run.findings}, run


@pytest.mark.parametrize(("at", "keeper"), list(enumerate(PLACES)))
def test_the_keeper_is_told_by_its_path(kept, at, keeper):
    findings, run = kept
    found = findings.get(f"test_{at}.py::test_second")

    assert found, run.out
    assert found["object"]["type"] == "janus.Queue"
    assert found["object"]["kept_by"] == keeper
    assert found["object"]["theirs"] is ("framework" in keeper)
    moves = [cure["change"] for cure in found["cures"] if "move it out" in cure["change"]]
    assert bool(moves) is not keeper.startswith(("fixture", "module-level name framework"))


OTHERS = """
class Db:
    connection = stream = None

    async def select(self, number):
        cursor = await self.connection.execute("select %s::int", [number])
        return await cursor.fetchone()

    async def ask(self):
        await self.stream.send(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
        return await self.stream.receive()

@functools.lru_cache
def db():
    return Db()

async def test_psycopg():
    url = "postgresql:" + os.environ["WL_POSTGRES"]
    db().connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await asyncio.gather(db().select(1), db().select(2))

async def test_psycopg_again():
    await asyncio.gather(db().select(1), db().select(2))

async def test_anyio():
    port = int(os.environ["WL_HTTP"].rpartition(":")[2][:-1])
    db().stream = await anyio.connect_tcp("127.0.0.1", port)
    assert b"200" in await db().ask()

async def test_anyio_again():
    assert b"200" in await db().ask()
"""


@pytest.mark.parametrize(
    ("driver", "type_", "name", "way"),
    [
        ("psycopg", "psycopg.AsyncConnection", "connection", ".lock"),
        ("anyio", "anyio._backends._asyncio.SocketStream", "stream", "._transport"),
    ],
)
def test_the_client_is_named_and_not_what_it_holds(driver, type_, name, way, tmp_path, urls_of):
    env = urls_of("postgres", "http")
    run = run_suite(tmp_path / "suite", "-k", driver, env=env, ini=ini(), test_a=START + OTHERS)

    (finding,) = run.findings
    assert finding["object"]["type"] == type_, run.out
    assert finding["object"]["kept_by"] == f"functools cache test_a.db().{name}"
    assert finding["object"]["way"] == way
    assert f"by way of {way}, asyncio " in run.out
    assert finding["cures"][1]["id"] == "build-inside"


# -- bounds ------------------------------------------------------------------------------


@pytest.fixture
def module():
    """A module of the suite's own."""
    made = types.ModuleType("suite_of_its_own")
    made.__file__ = str(Path(__file__))
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def keeper(obj):
    record = ObjectRecord(-1, "asyncio", "asyncio Lock", "Lock")
    return owned(Seen(record, None, obj), [], [], tuple).kept_by


def test_the_walk_goes_round_and_deep_and_ends(module):
    lock, around = asyncio.Lock(), []
    around.append(around)
    module.around = inner = {"around": around}
    inner["self"] = inner
    for _ in range(ways.MAX_DEPTH):
        inner["deeper"] = inner = {}
    inner["lock"] = lock

    assert keeper(asyncio.Lock()) is None
    assert keeper(lock) is None
    module.near = types.SimpleNamespace(lock=lock)
    assert keeper(lock) == "module-level name suite_of_its_own.near.lock"


def test_a_million_globals_are_not_all_looked_at(module):
    vars(module).update({f"name_{at}": [at] for at in range(1_000_000)})
    looked = count()

    assert ways.find(ways.of_modules(), lambda value: next(looked) < 0) is None
    assert next(looked) <= ways.MAX_STEPS
    assert keeper(asyncio.Lock()) is None
