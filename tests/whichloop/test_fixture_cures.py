"""What is printed for a fixture that uses or closes what another loop holds: applied, it cures."""

import re

import pytest
from conftest import ini

TAKE = """
import asyncio
import pytest
import pytest_asyncio

kept = asyncio.Queue()

async def take(queue=kept):
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await waiting
"""
SHARED = """
@pytest_asyncio.fixture(scope="session")
async def shared():
    queue = asyncio.Queue()
    await take(queue)
    return queue

@pytest_asyncio.fixture(loop_scope="function")
async def user(shared):
    await take(shared)
"""
CLOSING = """
@pytest_asyncio.fixture({})
async def user():
    queue = asyncio.Queue()
    yield queue
    await take(queue)

async def test_one(user):
    await take(user)
"""
OWN = '@pytest_asyncio.fixture(..., loop_scope="{}")'


@pytest.mark.parametrize(
    ("scopes", "source", "change"),
    [
        # The test's loop is neither's: the option for tests moves no fixture.
        (
            ("session", "function"),
            SHARED + "async def test_one(user): ...",
            OWN.format("session"),
        ),
        (
            ("session", "function"),
            SHARED + '@pytest.mark.asyncio(loop_scope="module")\nasync def test_one(user): ...',
            OWN.format("session"),
        ),
        # What its decorator says is what the option says as well, but the option does not move it.
        (
            ("function", "session"),
            '@pytest_asyncio.fixture(loop_scope="function")\n'
            "async def user(): await take()\n"
            "async def test_one(): await take()\n"
            "async def test_two(user): ...",
            OWN.format("session"),
        ),
        # Teardowns: of a fixture with a loop of its own, of one without, and of one that is cached
        # for the session, which no function loop can hold.
        (
            ("function", "session"),
            CLOSING.format('loop_scope="function"'),
            OWN.format("session"),
        ),
        (
            ("function", "session"),
            CLOSING.format(""),
            "asyncio_default_fixture_loop_scope = session",
        ),
        (
            ("session", "function"),
            CLOSING.format('scope="session"'),
            "asyncio_default_test_loop_scope = session",
        ),
        # Tests whose marks say on which loop they run.
        (
            ("function", "function"),
            '@pytest.mark.asyncio(loop_scope="class")\n'
            "class TestOne:\n    async def test_one(self): await take()\n"
            '@pytest.mark.asyncio(loop_scope="class")\n'
            "class TestTwo:\n    async def test_two(self): await take()\n",
            '@pytest.mark.asyncio(loop_scope="session")',
        ),
    ],
)
def test_what_is_printed_cures(suite, scopes, source, change):
    files = {"ini": ini(*scopes), "test_a": TAKE + source}
    finding, *_ = suite(**files).findings

    assert change in [cure["change"] for cure in finding["cures"]]
    assert not [c for c in finding["cures"] if c["id"] == "one-loop" and change[0] == "@"]
    if change[0] == "@":
        decorator, scope = re.fullmatch(r'(.*)\(.*(loop_scope="\w+")\)', change).groups()
        wrong = rf'({re.escape(decorator)}\(.*)loop_scope="\w+"'
        files["test_a"] = re.sub(wrong, rf"\1{scope}", files["test_a"])
    else:
        option, _, scope = change.partition(" = ")
        files["ini"] = re.sub(f"{option} = .*", f"{option} = {scope}", files["ini"])
    assert suite(**files).code == 0


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("async def user(): await start()", ["await-it"]),
        ("async def user(): start()", ["to-thread", "thread-inside"]),
        ("async def user(): sorted([1], key=start)", ["to-thread", "thread-inside"]),
        (
            "async def user(): asyncio.get_running_loop().call_soon(start)",
            ["thread-inside", "to-thread"],
        ),
    ],
)
def test_whoever_asks_for_a_second_loop_is_told_what_it_can_do(suite, user, names):
    source = """
import asyncio
import pytest_asyncio

{}def start(*args):
    asyncio.run(asyncio.sleep(0))
    return 1

@pytest_asyncio.fixture
{}

async def test_one(user): ...
"""
    text = source.format("async " if "await" in user else "", user)
    findings = suite(test_a=text).findings

    assert [cure["id"] for found in findings for cure in found["cures"]] == names
    changes = {cure["id"]: cure["change"] for found in findings for cure in found["cures"]}
    if "await" not in user:
        caller = "the coroutine" if "call_soon" in user else "user"
        told = f"await asyncio.to_thread(…), in place of the plain call in {caller}"
        assert changes["to-thread"] == told
        inside = "ThreadPoolExecutor(1).submit(asyncio.run, {}).result()"
        assert changes["thread-inside"].startswith(inside.format("coroutine"))
        cured = text.replace("asyncio.run(asyncio.sleep(0))", inside.format("asyncio.sleep(0)"))
        imported = "from concurrent.futures import ThreadPoolExecutor\n"
        assert suite(test_a=imported + cured).code == 0
