"""Hangs, however they are ended: what the test waits for, and who would have to wake it."""

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from conftest import ini

from tests.support import commands

# A bus that starts its worker on the loop of its first caller.
CONFTEST = """
import asyncio
import pytest

class Bus:
    def __init__(self):
        self.requests = asyncio.Queue()
        self.worker = None

    async def call(self, value):
        self.worker = self.worker or asyncio.create_task(self.work())
        reply = asyncio.get_running_loop().create_future()
        await self.requests.put((value, reply))
        return await reply

    async def work(self):
        while True:
            value, reply = await self.requests.get()
            reply.set_result(value)

@pytest.fixture(scope="session")
def bus():
    return Bus()
"""
BUS = """
import asyncio
import pytest

async def test_one(bus):
    assert await bus.call(1) == 1

{mark}
async def test_two(bus):
    assert await {call} == 2
"""
LIMITS = {
    "wait_for": ("", "asyncio.wait_for(bus.call(2), 0.2)"),
    "pytest-timeout": ("@pytest.mark.timeout(2)", "bus.call(2)"),
}


@pytest.mark.parametrize(("mark", "call"), LIMITS.values(), ids=list(LIMITS))
def test_a_hang_that_fails_the_test_is_explained_with_the_failure(suite, mark, call):
    run = suite(conftest=CONFTEST, test_a=BUS.format(mark=mark, call=call), fixture="function")

    assert run.failed == {"test_a.py::test_two"}
    (finding,) = run.findings
    assert (finding["object"]["type"], finding["message"]) == ("conftest.Bus", "hang")
    assert finding["bound_loop"]["owner"] == "function loop of test_a.py::test_one"
    assert finding["crossing_line"] == "conftest.py:14"
    assert "task Bus.work, which would wake it, was on that loop" in finding["sentence"]
    assert [cure["id"] for cure in finding["cures"]] == ["one-loop", "cache-per-test"]


ENDED = {
    "pytest-timeout's thread": ["--timeout=3", "--timeout-method=thread"],
    "faulthandler": ["-o", "faulthandler_timeout=3", "-o", "faulthandler_exit_on_timeout=true"],
}


@pytest.mark.parametrize("options", ENDED.values(), ids=list(ENDED))
def test_a_hang_that_ends_the_process_is_told_before(suite, options):
    run = suite(*options, conftest=CONFTEST, test_a=BUS.format(mark="", call="bus.call(2)"))

    assert run.code != 0
    assert run.out.count("whichloop: test_a.py::test_two hangs") == 1, run.out
    assert "task Bus.work, which would wake it" in " ".join(run.out.split())


@contextmanager
def started(folder, *options, **files):
    """A pytest process that hangs, and the first line that whichloop writes of that on stderr."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pytest.ini").write_text(ini("function"))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *commands.NOT_LOADED, *options],
        cwd=folder,
        env=commands.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = threading.Timer(commands.LIMIT_S, process.kill)
    limit.start()
    try:
        yield process, next((line for line in process.stderr if line.startswith("whichloop: ")), "")
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


def test_a_hang_that_ctrl_c_ends_is_explained(tmp_path):
    files = {"conftest": CONFTEST, "test_a": BUS.format(mark="", call="bus.call(2)")}
    with started(tmp_path, "-o", "faulthandler_timeout=2", **files) as (process, line):
        # It hangs by now: faulthandler has written where, and whichloop why.
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()

    assert line == "whichloop: test_a.py::test_two hangs\n"
    assert "1 cause behind 1 failure" in out
    assert "task Bus.work, which would wake it" in " ".join(out.split())
    assert "KeyboardInterrupt" in out


def test_what_was_woken_from_another_thread_does_not_notice(suite):
    text = """
    import asyncio
    import threading
    import pytest

    @pytest.mark.timeout(2)
    async def test_a():
        event = asyncio.Event()
        threading.Timer(0.1, event.set).start()
        await event.wait()
    """

    run = suite(test_a=text)

    (finding,) = run.findings
    assert finding["object"]["type"] == "asyncio.locks.Event"
    assert [cure["id"] for cure in finding["cures"]] == ["wake-it"]


def test_a_task_of_a_loop_that_does_not_run_wakes_nobody(suite):
    text = """
    import asyncio
    import pytest

    @pytest.fixture(scope="session")
    async def ready():
        ready = asyncio.Event()

        async def start():
            await asyncio.sleep(0)
            ready.set()

        task = asyncio.create_task(start())
        yield ready
        task.cancel()

    @pytest.mark.timeout(2)
    async def test_a(ready):
        await ready.wait()
    """

    run = suite(test_a=text)

    (finding,) = run.findings
    assert finding["cause"] == "loop scope mismatch"
    assert "is on that loop, which does not run meanwhile" in finding["sentence"]


def test_other_hangs_are_left_alone(suite):
    """A sleep, a peer that is silent, a queue of the test's own; with the bus at hand."""
    text = """
    import asyncio
    import pytest

    pytestmark = pytest.mark.timeout(2)

    async def test_bus(bus):
        assert await bus.call(1) == 1

    async def test_sleep(bus):
        await asyncio.sleep(100)

    async def test_peer(bus):
        server = await asyncio.start_server(lambda r, w: asyncio.sleep(100), "127.0.0.1", 0)
        reader, _ = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.read(1)

    async def test_queue(bus):
        await asyncio.Queue().get()

    async def test_slow(bus):
        await asyncio.wait_for(asyncio.Event().wait(), 0.1)
    """

    run = suite(conftest=CONFTEST, test_a=text)

    assert len(run.failed) == 4
    assert run.findings == [], run.out


def test_a_thread_that_keeps_python_from_ending_is_named(tmp_path):
    text = """import aiosqlite

kept = []

async def test_a():
    kept.append(await aiosqlite.connect(":memory:"))
"""
    with started(tmp_path, test_a=text) as (_, line):
        pass

    assert line.startswith("whichloop: Python has ended but for Thread-")
    assert "aiosqlite.core.Connection holds it" in line
