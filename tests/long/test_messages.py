"""What README's table of messages, the glossary and remedy 15 say of loops, shown on servers."""

import asyncio
import os
import sys
import time

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from scripts.paths import ROOT
from tests.support.commands import environment, run

DIFFERENT = "attached to a different loop"


def test_chain_future_is_the_callback_of_every_call_in_a_thread():
    async def elsewhere(loop: asyncio.AbstractEventLoop) -> None:
        await loop.run_in_executor(None, time.sleep, 0.2)

    with (
        asyncio.Runner() as first,
        asyncio.Runner() as second,
        pytest.raises(RuntimeError, match=DIFFERENT) as raised,
    ):
        second.run(elsewhere(first.get_loop()))

    assert "cb=[_chain_future.<locals>._call_check_cancel()" in str(raised.value)


def test_motors_to_list_waits_for_a_future_without_a_callback(databases):
    client = AsyncIOMotorClient(databases.mongo.url)
    jobs = client.get_default_database()["jobs"]

    async def ping() -> None:
        await client.admin.command("ping")

    async def to_list() -> None:
        await jobs.find().to_list()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(ping())
        with pytest.raises(RuntimeError, match=DIFFERENT) as raised:
            second.run(to_list())
        time.sleep(0.2)  # its thread ends before its loop does
    client.close()

    assert "got Future <Future pending> attached" in str(raised.value)


def test_a_done_future_of_another_loop_can_be_awaited():
    async def result_of(future: asyncio.Future[str]) -> str:
        return await future

    with asyncio.Runner() as first, asyncio.Runner() as second:
        future: asyncio.Future[str] = first.get_loop().create_future()
        with pytest.raises(RuntimeError, match=DIFFERENT):
            second.run(result_of(future))
        future = first.get_loop().create_future()
        future.set_result("done")

        assert second.run(result_of(future)) == "done"


def test_sqlalchemys_own_pool_minds_the_loop_where_sessions_wait_for_a_connection(databases):
    url = databases.postgres.url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_async_engine(url, pool_size=1, max_overflow=0)

    async def query() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_sleep(0.05)"))

    async def at_once(times: int) -> list[BaseException | None]:
        return await asyncio.gather(*(query() for _ in range(times)), return_exceptions=True)

    assert asyncio.run(at_once(1)) == [None]
    assert asyncio.run(at_once(1)) == [None]  # psycopg's connection does not mind
    assert asyncio.run(at_once(3)) == [None, None, None]  # the pool's queue binds where one waits
    raised = asyncio.run(at_once(3))

    assert any("is bound to a different event loop" in str(error) for error in raised)
    asyncio.run(engine.dispose())


def test_nest_asyncio_does_cure_repeated_asyncio_run_in_a_script(databases):
    url = databases.postgres.url.replace("postgresql://", "postgresql+asyncpg://")
    script = f"""
import asyncio, sys
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
if "patched" in sys.argv:
    import nest_asyncio
    nest_asyncio.apply()
engine = create_async_engine({url!r}, pool_pre_ping=True)
async def query():
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
for _ in range(4):
    try:
        asyncio.run(query())
        print("done")
    except RuntimeError as error:
        print("failed", {DIFFERENT!r} in str(error))
"""

    def printed(*arguments: str) -> list[str]:
        done = run([sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment())
        return done.out.splitlines()

    assert printed() == ["done", "failed True", "done", "failed True"]
    assert printed("patched") == ["done"] * 4


# What remedy 15's README says of code outside pytest: loops one after another, and at once.
FOLDER = ROOT / "fixed" / "15_engine_per_running_loop"
ONE_AFTER_ANOTHER = "for _ in range(3): asyncio.run(work())"
AT_ONCE = """
start = threading.Barrier(4)
def on_a_loop():
    start.wait()
    asyncio.run(work())
with ThreadPoolExecutor() as pool:
    for done in [pool.submit(on_a_loop) for _ in range(4)]:
        done.result()
"""
WORK = """
import asyncio, os, threading, time
from concurrent.futures import ThreadPoolExecutor
import psycopg, sqlalchemy
import conftest
from shared_app.configs.db import AsyncSessionFactory

async def work():
    for _ in range(2):
        async with AsyncSessionFactory() as session:
            assert await session.scalar(sqlalchemy.text("SELECT 1")) == 1
"""
# The connections to a side's database bear its name, but for the one that empties it.
COUNT = '''
QUERY = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()
"""
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    for _ in range(50):  # a server notices a closed connection a moment later
        [left_open] = connection.execute(QUERY).fetchone()
        if not left_open:
            break
        time.sleep(0.1)
print("left open:", left_open)
'''


@pytest.mark.parametrize(
    "loops", [ONE_AFTER_ANOTHER, AT_ONCE], ids=["one-after-another", "at-once"]
)
@pytest.mark.usefixtures("databases")
def test_every_loop_works_and_leaves_no_connection_open(loops):
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "MONGO_URL")}
    command = [sys.executable, "-c", WORK + loops + COUNT]

    done = run(command, cwd=FOLDER, env=environment(**urls)).must_exit(0)

    assert done.out.strip() == "left open: 0"
