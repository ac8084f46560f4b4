"""What remedy 15's README says of code outside pytest: loops one after another, and at once."""

import os
import sys

import pytest

from scripts.paths import ROOT
from tests.support.commands import environment, run

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
def test_every_loop_works_and_leaves_no_connection_open(loops: str) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "MONGO_URL")}
    command = [sys.executable, "-c", WORK + loops + COUNT]

    done = run(command, cwd=FOLDER, env=environment(**urls)).must_exit(0)

    assert done.out.strip() == "left open: 0"
