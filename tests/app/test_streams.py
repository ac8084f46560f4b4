"""Many chats at once on a small pool, and clients that leave in the middle of one.

A stream may last a minute; a connection of the pool it needs for a moment at each end.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
import pytest

from scripts.servers.chat_provider import answer_to
from scripts.servers.client import Guardian
from scripts.servers.databases import PostgresDatabase
from tests.support import small_pool
from tests.support.app import assert_unavailable, ending_of, served
from tests.support.commands import eventually
from tests.support.gate import Gate, gated

LIMIT_S = 60
CHATS, CONVERSATIONS = 200, 10
SLEEPING: LiteralString = "state LIKE 'idle in transaction%%'"
WORKING: LiteralString = "state = 'active' AND pid <> pg_backend_pid()"
ANY: LiteralString = "true"


@dataclass(frozen=True)
class Small:
    """The app on its pool of five, its database, and the provider that waits for the test."""

    client: httpx.Client
    postgres: PostgresDatabase
    gate: Gate

    def start(self, title: str) -> str:
        """The path of a new conversation."""
        created = self.client.post("/conversations", json={"title": title}).json()
        return f"/conversations/{created['id']}"

    def messages(self, path: str) -> list[tuple[str, str]]:
        """What is stored in a conversation."""
        read = self.client.get(path).json()["messages"]
        return [(message["role"], message["content"]) for message in read]

    def connections(self, state: LiteralString) -> int:
        """How many of the app's connections are in this state, as Postgres sees them."""
        name = self.postgres.ask("SELECT current_setting('application_name')")
        query: LiteralString = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name <> %s AND "
        )
        return int(self.postgres.ask(query + state, name))


@pytest.fixture(scope="module")
def small_for_all(guardian: Guardian, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The app with a pool of five, for several tests."""
    with small_app(guardian, tmp_path_factory.mktemp("small")) as small:
        yield small


@pytest.fixture
def small(small_for_all: Small) -> Small:
    """The app with a pool of five and a provider whose gate is closed."""
    small_for_all.gate.close()
    return small_for_all


@pytest.fixture
def impatient(guardian: Guardian, tmp_path: Path) -> Iterator[Small]:
    """The same, where nobody waits long for a connection."""
    with small_app(guardian, tmp_path, POOL_PATIENCE_S="1") as impatient:
        yield impatient


@contextmanager
def small_app(guardian: Guardian, folder: Path, **changes: str) -> Iterator[Small]:
    """The app with a pool of five and a gate."""
    with gated() as gate:
        changes |= {"PROVIDER_TIMEOUT_S": str(LIMIT_S), **gate.environment}
        app = served(guardian.servers, folder, create="tests.support.small_pool:create", **changes)
        with app as (client, databases):
            yield Small(client, databases.postgres, gate)


def question(content: str) -> dict[str, str]:
    return {"provider": "gemini", "content": content}


async def ask_all(base: httpx.URL, asked: list[tuple[str, str]]) -> list[httpx.Response]:
    """Ask them all at once, each over a connection of its own: (path, content)."""
    async with httpx.AsyncClient(
        base_url=base, timeout=LIMIT_S, limits=httpx.Limits(max_connections=None)
    ) as client:
        chats = (client.post(f"{path}/chat", json=question(content)) for path, content in asked)
        return await asyncio.gather(*chats)


def test_two_hundred_chats_wait_for_their_answers_on_a_pool_of_five(small):
    paths = [small.start(f"Number {number}") for number in range(CONVERSATIONS)]
    asked = [(paths[number % CONVERSATIONS], f"<{number}>") for number in range(CHATS)]

    async def ask_and_open() -> list[httpx.Response]:
        chats = asyncio.create_task(ask_all(small.client.base_url, asked))
        # The provider answers nobody before all have asked: whoever held a connection while
        # waiting for it would keep the sixth from ever asking.
        await asyncio.to_thread(eventually, lambda: small.gate.waiting == CHATS, LIMIT_S)
        assert small.gate.waiting == CHATS
        small.gate.open()
        return await chats

    responses = asyncio.run(ask_and_open())

    assert Counter(map(ending_of, responses)) == {"done": CHATS}
    for path in paths:
        stored = small.messages(path)
        asked_here = [content for where, content in asked if where == path]
        # Each exactly once, and each answer right after its question.
        assert sorted(stored[0::2]) == sorted(("user", content) for content in asked_here)
        assert stored[1::2] == [("assistant", answer_to(content)) for _, content in stored[0::2]]
    assert small.connections(ANY) <= small_pool.SIZE
    assert small.connections(SLEEPING) == 0


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(small):
    leaving = 3 * small_pool.SIZE
    paths = [small.start(f"Number {number}") for number in range(leaving)]

    for number, path in enumerate(paths, start=1):
        with small.client.stream("POST", f"{path}/chat", json=question("Who stays?")) as response:
            lines = response.iter_lines()  # which closes the response when nobody holds it
            assert (response.status_code, next(lines)) == (200, "event: token")
            assert eventually(lambda due=number: small.gate.came == due, LIMIT_S)

    # The app hangs up on the provider, rather than have it talk to nobody.
    assert eventually(lambda: small.gate.left == leaving, LIMIT_S), small.gate.left
    assert small.gate.waiting == 0
    assert eventually(lambda: small.connections(WORKING) == 0, LIMIT_S)
    assert small.connections(SLEEPING) == 0
    assert [small.messages(path) for path in paths] == leaving * [[]]
    # All five connections are there to be had: as many chats go on at once.
    small.gate.open()
    again = asyncio.run(ask_all(small.client.base_url, [(path, "I do.") for path in paths]))
    assert set(map(ending_of, again)) == {"done"}
    assert {len(small.messages(path)) for path in paths} == {2}


def test_a_client_that_leaves_at_any_moment_leaves_a_whole_turn_or_none(small):
    small.gate.pause_s = 0.001
    small.gate.open()
    paths = [small.start(f"Number {number}") for number in range(40)]

    for number, path in enumerate(paths):
        with small.client.stream("POST", f"{path}/chat", json=question("Who stays?")) as response:
            # From the first piece of the answer to its end, past the moment when it is stored.
            received = 0
            for chunk in response.iter_raw():
                received += len(chunk)
                if received > 12 * number:
                    break

    assert eventually(lambda: small.connections(WORKING) == 0, LIMIT_S)
    assert eventually(lambda: small.connections(SLEEPING) == 0, LIMIT_S)
    whole = [("user", "Who stays?"), ("assistant", answer_to("Who stays?"))]
    stored = [small.messages(path) for path in paths]
    assert all(messages in ([], whole) for messages in stored), stored
    assert [] in stored
    assert whole in stored
    assert small.connections(ANY) <= small_pool.SIZE


def test_an_exhausted_pool_is_a_clean_503_and_no_more(impatient):
    impatient.gate.open()
    locked, free = impatient.start("Locked"), impatient.start("Free")
    asked = [(locked, f"<{number}>") for number in range(2 * small_pool.SIZE)]

    with psycopg.connect(impatient.postgres.url) as blocking:
        blocking.execute(
            "SELECT 1 FROM conversations WHERE id = %s FOR UPDATE", [locked.rpartition("/")[2]]
        )
        with httpx.Client(base_url=impatient.client.base_url, timeout=LIMIT_S) as other:

            async def ask_while_locked() -> tuple[list[httpx.Response], httpx.Response]:
                chats = asyncio.create_task(ask_all(other.base_url, asked))
                full = await asyncio.to_thread(
                    eventually, lambda: impatient.connections(WORKING) == small_pool.SIZE, LIMIT_S
                )
                assert full
                refused = await asyncio.to_thread(other.get, free)
                blocking.rollback()
                return await chats, refused

            chats, refused = asyncio.run(ask_while_locked())

    assert_unavailable(refused)
    done = {
        content
        for (_, content), response in zip(asked, chats, strict=True)
        if ending_of(response) == "done"
    }
    assert len(done) >= small_pool.SIZE
    stored = impatient.messages(locked)
    assert sorted(content for role, content in stored if role == "user") == sorted(done)
    assert len(stored) == 2 * len(done)
    assert impatient.messages(free) == []
