"""A look at an object touches nothing of it: not an attribute, not a comparison, not a truth value.

The objects here record every touch, and then raise or answer with a mock. They pretend to be of a
driver's module, and hold one another under each name that any probe reads.
"""

import asyncio
import inspect
import re
import sys
import traceback
import types
from pathlib import Path
from unittest.mock import AsyncMock, MagicMock

import pytest
import sqlalchemy.ext.asyncio  # noqa: F401 - its probe looks for what it imports
from conftest import ini, run_suite
from hypothesis import given, settings
from hypothesis import strategies as st
from whichloop.audit import audit, loop_scope_of_fixture, plan
from whichloop.calls import foresee_calls
from whichloop.foresee import foresee
from whichloop.library import explain_error, loop_of
from whichloop.observe import callbacks, frames, peek, waits, ways
from whichloop.observe.kept import Walk
from whichloop.observe.left_open import DRIVERS, left_open
from whichloop.observe.named import Names
from whichloop.observe.owners import Seen, met, owned
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.probes.registry import BUILT_IN, REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.present.foreseen import as_text
from whichloop.present.section import render
from whichloop.records import NOBODY, Finding, ObjectRecord, Settings

from whichloop import background

SOURCES = Path(peek.__file__).parent
NAMES = sorted(
    {
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r'"(_?[a-z]\w*)"', path.read_text("utf-8"))
    }
)


class Plain:
    """A base with nothing in it."""


KINDS = [
    ("aiohttp.client", "ClientSession"),
    ("asyncio.locks", "Condition"),
    ("asyncpg.connection", "Connection"),
    ("asyncpg.pool", "PoolConnectionProxy"),
    ("grpc.aio._channel", "Channel"),
    ("httpcore._async.connection", "AsyncHTTPConnection"),
    ("httpx", "AsyncClient"),
    ("httpx", "AsyncHTTPTransport"),
    ("motor.motor_asyncio", "AsyncIOMotorCollection"),
    ("psycopg_pool.pool_async", "AsyncConnectionPool"),
    ("pymongo.asynchronous.collection", "AsyncCollection"),
    ("redis.asyncio.client", "Redis"),
    ("redis.asyncio.connection", "Connection"),
    ("sqlalchemy.ext.asyncio.engine", "AsyncConnection"),
    ("sqlalchemy.ext.asyncio.engine", "AsyncEngine"),
    ("sqlalchemy.ext.asyncio.session", "AsyncSession"),
    ("sqlalchemy.ext.asyncio.session", "async_sessionmaker"),
    ("sqlalchemy.pool.base", "_ConnectionRecord"),
    ("suite", "Thing"),
]
BASES = [Plain, asyncio.Lock, asyncio.Queue, asyncio.Event, list, dict, types.ModuleType]
SPECIAL = ("bool", "eq", "ne", "hash", "len", "iter", "contains", "call", "str", "repr", "getattr")
touched: list[str] = []


def recorder(name: str, raises: bool):
    def touch(*args, **kwargs):
        frame = sys._getframe(1)
        touched.append(f"{name}, by {frame.f_code.co_filename}:{frame.f_lineno}")
        if raises:
            raise ZeroDivisionError(name)
        return MagicMock()

    return touch


def hostile_class(module: str, name: str, bases: tuple[type, ...], raises: bool) -> type:
    """A class whose every attribute and special method, and whose metaclass, records a touch."""
    own = ("__eq__", "__getattribute__")
    meta = {"__hash__": type.__hash__} | {m: recorder(f"type.{m}", raises) for m in own}
    kind = type(bases[0]) if isinstance(bases[0], type) else type
    body = {f"__{method}__": recorder(f"__{method}__", raises) for method in SPECIAL}
    body |= {
        method: property(recorder(method, raises)) for method in (*NAMES, "__class__", "__dict__")
    }
    body["__getattribute__"] = recorder("__getattribute__", raises)
    made = type.__new__(type("Meta", (kind,), meta), name, bases, {**body, "__module__": module})
    touched.clear()
    return made


# What to make, as plain values: nobody but whichloop gets to see the objects.
def recipes(inner):
    held = st.dictionaries(st.sampled_from(NAMES), inner | st.lists(inner, max_size=2), max_size=6)
    return st.tuples(st.sampled_from(KINDS), st.sampled_from(BASES), st.booleans(), held)


LEAVES = st.sampled_from([None, 0, "text", "a mock", "a generator"])
RECIPES = recipes(st.recursive(LEAVES, recipes, max_leaves=8))


def made(recipe):
    """An object that records; it holds others like it under the names that probes read."""
    if isinstance(recipe, list):
        return [made(inner) for inner in recipe]
    if not isinstance(recipe, tuple):
        if recipe == "a generator":
            return (recorder("next", False)() for _ in range(1))
        return MagicMock() if recipe == "a mock" else recipe
    (module, name), base, raises, held = recipe
    kind = hostile_class(module, name, (base,), raises)
    obj = base.__new__(kind)
    peek.attributes(obj).update({name: made(inner) for name, inner in held.items()})
    return obj


@pytest.fixture(autouse=True)
def _forget():
    yield
    TRACKER.reset()


def failing(value, error: BaseException):
    """An exception whose traceback has ``value`` among its values."""
    try:
        raise error
    except BaseException as raised:
        return raised


def item(obj):
    """What the audit asks of pytest's objects, with ``obj`` as the test and a fixture."""
    fixture = types.SimpleNamespace(func=obj, scope="session", baseid="x", argname="f")
    info = types.SimpleNamespace(name2fixturedefs={"f": [fixture]})
    marker = lambda name: None  # noqa: E731
    return types.SimpleNamespace(
        function=obj, nodeid="t", get_closest_marker=marker, _fixtureinfo=info
    )


async def look(obj) -> None:
    """Everything that whichloop ever does with an object of somebody else's."""
    REGISTRY.read(obj)
    str(loop_of(obj))
    for error in (RuntimeError("Event loop is closed"), RuntimeError(obj)):
        finding = explain_error(failing(obj, error))
        if finding is not None:
            render(finding)
    frames.keeper(object(), object(), NOBODY)
    met([sys._getframe()], "no loop", REGISTRY.objects_in, lambda: [(NOBODY, obj)])
    seen = Seen(ObjectRecord(-1, "asyncio", "asyncio Lock", "Lock"), None, obj)
    render(Finding("", "", "", "", "", "", owned(seen, [], [sys._getframe()], tuple)))
    ways.find(ways.of_modules(), lambda value: False)  # through all that the suite holds
    callbacks.pending([obj])
    list(background.errors_in(failing(obj, AssertionError())))
    waits.Hang(TimeoutError(), [sys._getframe()], [(NOBODY, obj)]).wait()
    scopes = Settings("3", "9", "1.5.0", "auto", "session", "function")
    as_text(audit(plan([item(obj)], scopes), scopes), 1)
    foresee(plan([item(obj), item(look)], scopes), Names())
    foresee_calls(plan([item(obj), item(look)], scopes), Names())
    Walk(Names()).all()
    loop_scope_of_fixture(item(obj)._fixtureinfo.name2fixturedefs["f"][0], scopes)
    frame = sys._getframe()
    for probe, see in SEEING:
        parameters = inspect.signature(see).parameters.values()
        needed = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
        arguments = [frame if one.name == "frame" else obj for one in needed]
        if any(one.kind is one.VAR_POSITIONAL for one in parameters):
            arguments += [obj] * 4
        try:
            see(*arguments)
        except Exception as error:
            raise AssertionError(f"{probe}, {see.__qualname__}: {error!r}") from error


class Spy(Patcher):
    """Changes nothing, and keeps what a probe would have called."""

    def __init__(self, probe):
        super().__init__(probe)
        self.seeing = []

    def quiet(self, see):
        self.seeing.append((self.probe, see))
        return see

    def builds(self, *args, is_closed=None, **kwargs):
        super().builds(*args, is_closed=is_closed, **kwargs)
        if is_closed is not None:
            self.seeing.append((self.probe, is_closed))

    def _wrap(self, *args, **kwargs):
        pass


def seeing():
    for probe in BUILT_IN[1:]:  # the first is of event loops themselves
        spy = Spy(probe.name)
        for name in probe.modules:
            module = MagicMock()
            module.__name__ = name
            probe.install(module, spy)
        yield from spy.seeing
        spy.undo()


SEEING = list(seeing())


@settings(max_examples=80, deadline=None)
@given(RECIPES)
def test_nothing_of_an_object_is_touched(recipe):
    obj = made(recipe)
    module = types.ModuleType("suite_with_it")
    module.__file__ = str(Path(__file__))
    vars(module)["thing"] = obj
    sys.modules["suite_with_it"] = module
    touched.clear()
    try:
        asyncio.run(look(obj))
    except Exception as error:  # pytest would touch the object, in its report
        touched.append(f"{error!r} at {traceback.format_exc().splitlines()[-3]}")
    finally:
        del sys.modules["suite_with_it"]
        touched.extend(f"{name} switched off" for name in TRACKER.switched_off)
    del obj

    assert touched == []


@settings(max_examples=30, deadline=None)
@given(RECIPES)
def test_nothing_of_what_was_left_open_is_touched(recipe):
    """Strict mode asks each probe whether an object of its is closed."""
    obj = made(recipe)

    async def build():
        await look(obj)  # the probes take it for an object of theirs
        for live in TRACKER.objects:
            TRACKER.bound(live, asyncio.get_running_loop(), None)

    asyncio.run(build())
    lives = list(TRACKER.objects)
    for live, driver in zip(lives, DRIVERS * len(lives), strict=False):
        live.note(driver=driver)
        live.loop.record = live.loop.record._replace(closed=1)
    touched.clear()
    left_open()

    assert touched == []


def hostile_error(raises: bool) -> BaseException:
    body = {f"__{name}__": recorder(name, raises) for name in (*SPECIAL, "getattribute")}
    body |= {name: property(recorder(name, raises)) for name in ("args", "__cause__", "msg")}
    kind = type("RuntimeError", (RuntimeError,), body)
    return BaseException.__new__(kind, "Event loop is closed")


@pytest.mark.parametrize("raises", [True, False])
def test_nothing_of_an_exception_is_touched(raises):
    error = hostile_error(raises)
    failing(None, error)
    touched.clear()

    finding = explain_error(error)

    assert touched == []
    assert finding.message == "loop-closed"


@pytest.mark.parametrize("kind", [MagicMock, AsyncMock])
@pytest.mark.parametrize("spec", [None, asyncio.Future, asyncio.Lock, asyncio.AbstractEventLoop])
def test_a_mock_is_no_loop_and_no_future_whatever_it_says_it_is(kind, spec):
    mock = kind(spec=spec)
    holder = types.SimpleNamespace(_loop=mock, loop=mock)

    asyncio.run(look(mock))

    assert not peek.is_loop(mock)
    assert loop_of(holder).loops == loop_of(mock).loops == ()
    assert mock.mock_calls == mock.method_calls == []
    assert vars(mock)["_mock_children"] == {}


def test_a_loop_is_what_derives_from_asyncios_and_its_own_words_are_not_asked():
    class Silent(asyncio.SelectorEventLoop):
        pass

    loop = Silent()
    Silent.is_closed = Silent.is_running = Silent.__bool__ = Silent.__eq__ = recorder("own", True)
    touched.clear()
    try:
        assert peek.is_loop(loop)
        assert peek.loop_state(loop) == "not running"
        assert "(not running)" in str(loop_of(types.SimpleNamespace(loop=loop)))
        assert touched == []
    finally:
        del Silent.is_closed, Silent.is_running
        loop.close()


def test_a_slot_and_an_attribute_are_read_and_a_property_is_not():
    class Slotted:
        __slots__ = ("_loop",)

    class Shadowed(Slotted):
        @property
        def _loop(self):
            raise ZeroDivisionError

    slotted, shadowed = Slotted(), Shadowed()
    assert peek.attribute(slotted, "_loop") is None
    slotted._loop = "here"
    Slotted._loop.__set__(shadowed, "below")

    assert peek.attribute(slotted, "_loop") == "here"
    assert peek.attribute(shadowed, "_loop") == "below"
    assert peek.attribute(types.SimpleNamespace(a=slotted), "a", "_loop") == "here"


# -- whole suites, which pass without whichloop ------------------------------------------

REDIS = """
import asyncio
from unittest.mock import MagicMock

from redis.asyncio import Connection

async def drain():
    pass

async def test_the_reader_is_not_asked():
    connection = Connection()
    connection._reader = reader = MagicMock()
    connection._writer = MagicMock()
    connection._writer.drain = drain
    await connection.send_packed_command(b"x", check_health=False)
    assert reader.mock_calls == []
"""

NO_DISK = """
import asyncio
import os

import pytest

@pytest.fixture(autouse=True)
def no_disk_in_a_coroutine(monkeypatch):
    def refuse(name, original):
        def call(*args, **kwargs):
            if asyncio._get_running_loop() is not None:
                raise RuntimeError(f"blocking call: {name}")
            return original(*args, **kwargs)
        return call
    for owner, name in [(os.path, "relpath"), (os.path, "abspath"), (os.path, "exists"),
                        (os, "stat"), (os, "getcwd"), (os, "scandir"), (os, "listdir")]:
        monkeypatch.setattr(owner, name, refuse(name, getattr(owner, name)))

async def take(lock):
    async with lock:
        await asyncio.sleep(0)

async def test_contended():
    lock = asyncio.Lock()
    await asyncio.gather(take(lock), take(lock))
"""

DUPLICATE = """
import os

from pymongo import AsyncMongoClient

async def test_the_same_id_twice():
    async with AsyncMongoClient(os.environ["WL_MONGO"]) as client:
        collection = client.get_database("harmless").get_collection("rows")
        await collection.drop()
        await collection.insert_one({"_id": 1})
        await collection.insert_one({"_id": 1})
"""

LEFT_OPEN = """
import os

from pymongo import AsyncMongoClient

client = AsyncMongoClient(os.environ["WL_MONGO"])

async def test_left_open():
    await client.admin.command("ping")
"""


@pytest.mark.parametrize(
    ("text", "passes", "words"),
    [
        (REDIS, True, ""),
        (NO_DISK, True, ""),
        (DUPLICATE, False, "DuplicateKeyError"),
        (LEFT_OPEN, False, "left a connection on a closed event loop"),
    ],
    ids=["a mock as a reader", "no disk in a coroutine", "a duplicate key", "a client left open"],
)
def test_a_suite_is_left_alone_and_no_probe_is_switched_off(text, passes, words, tmp_path, urls_of):
    folder, env = tmp_path / "suite", urls_of("mongo")

    run = run_suite(folder, "--whichloop=strict", env=env, ini=ini("function"), test_a=text)

    assert "switched off" not in run.out, run.out
    assert (run.code == 0) is passes, run.out
    assert words in run.out


RAISING = """
import asyncio

import pytest
from redis.asyncio import Redis

async def fail():
    raise ValueError("here")

@pytest.fixture
def plain():
    raise ValueError("here")

@pytest.fixture
async def awaits():
    await fail()

@pytest.fixture
async def yields():
    await fail()
    yield

@pytest.fixture
async def ends():
    yield
    await fail()

@pytest.fixture
def driver():
    Redis(no_such_option=1)
"""
RAISES = """
import asyncio

import pytest
from conftest import fail
from redis.asyncio import Redis

async def test_itself():
    await fail()

def test_driver_called():
    Redis(no_such_option=1)

async def test_driver():
    await asyncio.wait_for(Redis(port=1, retry=None).ping(), 60)

@pytest.mark.parametrize("name", ["plain", "awaits", "yields", "ends", "driver"])
def test_fixture(request, name):
    request.getfixturevalue(name)
"""


@pytest.mark.parametrize("style", ["short", "line", "native"])
def test_tracebacks_are_the_same_line_for_line(style, suite):
    def shown(mode: str) -> list[str]:
        run = suite(f"--whichloop={mode}", f"--tb={style}", conftest=RAISING, test_a=RAISES)
        # Addresses and times, and what only a recording says.
        return re.sub(r"0x\w+|[\d.]+s\b|whichloop: rec.*\n", "", run.out).splitlines()

    off = shown("off")

    assert "ValueError: here" in "\n".join(off)
    assert shown("explain") == off


WARNING = """
import aiohttp
import redis.asyncio

def build():
    redis.asyncio.Redis(retry_on_timeout=True)

def test_deprecated():
    build()
"""
# Nobody closes the session, and nothing keeps it; the collector does not run by itself.
GARBAGE = """
import gc

import aiohttp

gc.disable()

class Holder:
    pass

async def test_leaves_garbage():
    holder = Holder()
    holder.itself = holder
    holder.session = aiohttp.ClientSession()

async def test_next():
    pass
"""
LOCAL = """
import weakref

from redis.asyncio import Connection

class Thing:
    pass

def test_a_local_goes_when_it_is_deleted():
    thing = Thing()
    gone = weakref.ref(thing)
    Connection()
    del thing
    assert gone() is None
"""


COROUTINE = """
import asyncio
import inspect

from pymongo import AsyncMongoClient
from redis.asyncio import Connection

def test_a_coroutine_function_is_still_one():
    for function in (AsyncMongoClient.close, Connection.connect, Connection().connect):
        assert inspect.iscoroutinefunction(function)
        assert asyncio.iscoroutinefunction(function)
    assert not inspect.iscoroutinefunction(Connection.__init__)
"""
SAME = {"place": WARNING, "garbage": GARBAGE, "local": LOCAL, "coroutine": COROUTINE}


@pytest.mark.parametrize("mode", ["explain", "strict"])
@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_warnings_their_places_and_lifetimes_are_the_same(text, mode, suite):
    off = suite("--whichloop=off", "-Wdefault", test="function", test_a=text)
    on = suite(f"--whichloop={mode}", "-Wdefault", test_a=text)

    assert off.code == 0, off.out
    assert on.log == off.log
    assert off.log["warnings"] or text != WARNING
