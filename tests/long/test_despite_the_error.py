"""What was written although an error was raised, by a driver used on another loop than its own.

The READMEs of broken/, trap 2, trap 4 and trap 8 speak of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, MongoClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from scripts.servers.databases import Databases

DIFFERENT = "attached to a different loop"


Work = Callable[[], Awaitable[Any]]


@contextmanager
def loops(*, first_is_open: bool = True) -> Iterator[tuple[Callable[[Work], Any], ...]]:
    """What awaits a call on a first loop, and on a second; by then the first may be closed."""

    async def awaited(work: Work) -> Any:
        return await work()

    first = asyncio.Runner()

    def on_second(work: Work) -> Any:
        if not first_is_open:
            first.close()
        with asyncio.Runner() as second:
            return second.run(awaited(work))

    yield lambda work: first.run(awaited(work)), on_second
    first.close()


def documents(url: str) -> int:
    """How many documents are in the collection, once a thread of Motor's had time to write."""
    with MongoClient[dict[str, object]](url) as client:
        time.sleep(0.5)
        return client.get_default_database()["jobs"].count_documents({})


@pytest.mark.parametrize(
    ("first_is_open", "message", "written"),
    [(True, DIFFERENT, 2), (False, "Event loop is closed", 0)],
)
def test_motors_failed_insert_is_written_only_while_its_first_loop_is_open(
    databases, first_is_open, message, written
):
    client = AsyncIOMotorClient(databases.mongo.url)
    jobs = client.get_default_database()["jobs"]
    with loops(first_is_open=first_is_open) as (first, second):
        first(lambda: client.admin.command("ping"))
        for _ in range(2):  # as a rerun does
            with pytest.raises(RuntimeError, match=message):
                second(lambda: jobs.insert_one({"title": "Engineer"}))

    assert documents(databases.mongo.url) == written
    client.close()


def test_the_insert_that_async_mongo_client_refuses_is_not_written(databases):
    client = AsyncMongoClient[dict[str, object]](databases.mongo.url)
    jobs = client.get_default_database()["jobs"]
    with loops() as (first, second):
        first(lambda: client.admin.command("ping"))
        with pytest.raises(RuntimeError, match="different event loop"):
            second(lambda: jobs.insert_one({"title": "Engineer"}))
        first(client.close)

    assert documents(databases.mongo.url) == 0


INSERT = "INSERT INTO written VALUES (1)"


def rows(url: str) -> int:
    """How many rows were written, once the server had time to."""
    time.sleep(0.2)
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM written").fetchone()[0]


@pytest.fixture
def postgres_url(databases: Databases) -> str:
    """A database with an empty table `written`."""
    with psycopg.connect(databases.postgres.url) as connection:
        connection.execute("CREATE TABLE written (number int)")
    return databases.postgres.url


def test_raw_asyncpg_writes_what_it_then_fails_to_wait_for(postgres_url):
    with loops() as (first, second):
        connection = first(lambda: asyncpg.connect(postgres_url))
        assert isinstance(connection, asyncpg.Connection)
        with pytest.raises(RuntimeError, match=DIFFERENT):
            second(lambda: connection.execute(INSERT))
        assert rows(postgres_url) == 1
        connection.terminate()


@pytest.mark.parametrize(
    ("isolation", "prepared", "written"),
    [
        ("READ COMMITTED", False, 0),
        ("READ COMMITTED", True, 0),
        ("AUTOCOMMIT", False, 0),
        ("AUTOCOMMIT", True, 1),
    ],
)
def test_a_statement_through_sqlalchemy_is_written_if_it_is_the_first_that_is_sent(
    postgres_url, isolation, prepared, written
):
    url = postgres_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, isolation_level=isolation, pool_size=1)

    async def insert() -> None:
        async with engine.connect() as connection:
            await connection.execute(text(INSERT))

    async def select() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    with loops() as (first, second):
        first(insert if prepared else select)
        before = rows(postgres_url)
        with pytest.raises(RuntimeError, match=DIFFERENT):
            second(insert)
        assert rows(postgres_url) - before == written
        first(engine.dispose)
