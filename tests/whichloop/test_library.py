"""loop_of, assert_same_loop and watch: on real objects, without pytest's hooks."""

import asyncio
import sys
import textwrap

import asyncpg
import pytest
import redis.asyncio
import sqlalchemy
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tests.support import commands
from whichloop import LoopMismatch, assert_same_loop, loop_of


async def _future():
    return asyncio.get_running_loop().create_future()


def test_primitives_are_bound_by_their_first_wait():
    async def wait():
        lock = asyncio.Lock()
        before = loop_of(lock)
        async with lock:
            waiting = asyncio.ensure_future(lock.acquire())
            await asyncio.sleep(0)
            after = loop_of(lock)
            waiting.cancel()
        return before, after, asyncio.get_running_loop()

    before, after, running = asyncio.run(wait())

    assert before.known
    assert before.loops == ()
    assert after.loop is running
    assert "_loop" in str(after)


@pytest.mark.parametrize("obj", [object(), 3, "text", None, asyncio.Lock, asyncio])
def test_an_unknown_object_is_said_to_be_unknown(obj):
    seen = loop_of(obj)

    assert not seen.known
    assert seen.loops == ()
    assert "not an object that whichloop knows" in str(seen)


def test_one_loop_agrees_with_itself_and_with_what_is_not_bound():
    async def check():
        seen = assert_same_loop(await _future(), asyncio.Lock(), asyncio.current_task())
        return [binding.loop is asyncio.get_running_loop() for binding in seen]

    assert asyncio.run(check()) == [True, False, True]


def test_two_loops_are_refused_and_named():
    future = asyncio.run(_future())

    async def check():
        assert_same_loop(future)

    with pytest.raises(LoopMismatch) as caught:
        asyncio.run(check())
    assert "asyncio Future" in str(caught.value)
    assert "(closed)" in str(caught.value)
    assert "running here" in str(caught.value)


def test_a_check_that_cannot_check_does_not_pass():
    with pytest.raises(TypeError, match="at least one"):
        assert_same_loop()
    with pytest.raises(TypeError, match="not an object"):
        assert_same_loop(object())


def test_engines_sessions_and_pools_tell_their_loop(urls_of):
    url = urls_of("postgres")["WL_POSTGRES"]

    async def use():
        engine = create_async_engine("postgresql+asyncpg:" + url)
        unused = loop_of(engine)
        async with AsyncSession(engine) as session:
            await session.execute(sqlalchemy.text("select 1"))
            in_session = loop_of(session)
        idle = loop_of(engine)
        connection = await asyncpg.connect("postgresql:" + url)
        raw = loop_of(connection)
        await connection.close()
        pool = await asyncpg.create_pool("postgresql:" + url, min_size=0)
        pooled = loop_of(pool)
        await pool.close()
        await engine.dispose()
        return unused, [in_session, idle, raw, pooled], asyncio.get_running_loop()

    unused, bound, running = asyncio.run(use())

    assert unused.known
    assert unused.loops == ()
    assert [binding.loop is running for binding in bound] == [True] * 4
    assert "1 idle connection in the AsyncAdaptedQueuePool" in str(bound[1])


def test_clients_tell_their_loop(urls_of):
    urls = urls_of("mongo", "redis")

    async def use():
        cache = redis.asyncio.from_url(urls["WL_REDIS"])
        motor, mongo = AsyncIOMotorClient(urls["WL_MONGO"]), AsyncMongoClient(urls["WL_MONGO"])
        objects = [cache, motor, mongo]
        before = [loop_of(obj).loops for obj in objects]
        await cache.ping()
        await motor.admin.command("ping")
        await mongo.admin.command("ping")
        objects += [motor["a"], motor["a"]["b"], mongo["a"]]
        after = [loop_of(obj).loop for obj in objects]
        await cache.aclose()
        await mongo.close()
        motor.close()
        return before, after, asyncio.get_running_loop()

    before, after, running = asyncio.run(use())

    assert before == [(), (), ()]
    assert after == [running] * 6


SCRIPT = """
import asyncio
import whichloop

whichloop.install()
queue = asyncio.Queue()

async def take():
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await waiting

def job():
    with whichloop.watch():
        return asyncio.run(take())

job()
job()
"""


def script(tmp_path, text) -> commands.Done:
    """A script in a process of its own."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    return commands.run([sys.executable, str(path)], cwd=tmp_path)


def test_watch_explains_in_a_note_of_the_error_itself(tmp_path):
    done = script(tmp_path, SCRIPT)

    assert done.code == 1
    assert "is bound to a different event loop" in done.err
    assert "whichloop:" in done.err
    assert "asyncio.run repeated" in done.err
    assert "script.py:6 by import of __main__" in " ".join(done.err.split())


def test_the_library_half_needs_no_pytest_and_imports_no_driver(tmp_path):
    done = script(
        tmp_path,
        """
        import sys
        import whichloop
        with whichloop.watch():
            pass
        drivers = {"motor", "pymongo", "sqlalchemy", "asyncpg", "redis", "httpx", "httpcore",
                   "psycopg_pool", "aiohttp", "grpc", "uvloop", "pytest", "_pytest"}
        print(sorted(drivers & set(sys.modules)))
        """,
    )

    assert done.out == "[]\n", done.err


def test_uninstall_puts_everything_back(tmp_path):
    done = script(
        tmp_path,
        """
        import asyncio
        before = {name: vars(asyncio.BaseEventLoop)[name]
                  for name in ("__init__", "run_forever", "close")}
        lock = asyncio.Lock.__init__
        import sys
        finders = list(sys.meta_path)
        import whichloop
        whichloop.install()
        changed = asyncio.Lock.__init__ is not lock
        whichloop.uninstall()
        same = all(vars(asyncio.BaseEventLoop)[name] is method for name, method in before.items())
        print(changed, same, asyncio.Lock.__init__ is lock, sys.meta_path == finders)
        """,
    )

    assert done.out == "True True True True\n", done.err


def test_no_loop_or_object_is_kept_alive(tmp_path):
    done = script(
        tmp_path,
        """
        import asyncio, gc, weakref
        import whichloop
        whichloop.install()
        refs = []
        async def work():
            lock = asyncio.Lock()
            refs.append(weakref.ref(lock))
            refs.append(weakref.ref(asyncio.get_running_loop()))
            async with lock:
                waiting = asyncio.ensure_future(lock.acquire())
                await asyncio.sleep(0)
                waiting.cancel()
        for _ in range(50):
            asyncio.run(work())
        gc.collect()
        print(sum(ref() is not None for ref in refs))
        loops, objects = whichloop.TRACKER.loops, whichloop.TRACKER.objects
        print(len(loops.alive), len(objects.alive), len(loops.dead) <= 64, loops.all)
        """,
    )

    assert done.out == "0\n0 0 True None\n", done.err
