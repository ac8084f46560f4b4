"""A database is killed and started again while the app is at work on it.

The app says so in clean 503s, goes on by itself once the database is back, and whatever it
acknowledged is there, once.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from scripts.servers.client import Guardian
from tests.support.app import assert_unavailable, ending_of, events_of, served
from tests.support.commands import eventually, temporary_folder
from tests.support.gate import gated
from tests.support.restartable import Pair, restartable

LIMIT_S = 60
WORKERS = 6
NOT_STORED = "gave no answer that could be stored: a database is unavailable"
BEFORE, AFTER = 5, 5  # writes that every worker has seen acknowledged

Write = Callable[[httpx.Client, str], bool]


@dataclass
class Worker:
    """A client that writes one text after another, each once, and notes the app's answers."""

    name: str
    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(self, base_url: httpx.URL, write: Write, stop: threading.Event) -> None:
        """Write until told to stop, or until an answer is neither of the two."""
        with httpx.Client(base_url=base_url, timeout=LIMIT_S) as client:
            while not stop.is_set():
                text = f"{self.name}-{len(self.acknowledged) + len(self.refused)}"
                done = write(client, text)
                (self.acknowledged if done else self.refused).append(text)
                if not done:
                    stop.wait(0.05)


@dataclass(frozen=True)
class Running:
    """The app, and the servers under it."""

    pair: Pair
    client: httpx.Client

    def outage(self, server: str, write: Write, look: Callable[[], None]) -> list[Worker]:
        """Kill `server` and start it again under load; `look` is called while it is away."""
        stop = threading.Event()
        workers = [Worker(f"worker{number}") for number in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as pool:
            runs = [
                pool.submit(worker.run, self.client.base_url, write, stop) for worker in workers
            ]

            def wait_for(condition: Callable[[Worker], bool]) -> None:
                """Wait until it holds for every worker; raises what one of them has raised."""
                reached = eventually(
                    lambda: any(run.done() for run in runs) or all(map(condition, workers)), LIMIT_S
                )
                for run in runs:
                    assert not run.done(), run.result()
                assert reached, workers

            try:
                wait_for(lambda worker: len(worker.acknowledged) >= BEFORE)
                self.pair.kill(server)
                wait_for(lambda worker: len(worker.refused) > 0)
                look()
                self.pair.start(server)
                back = {worker.name: len(worker.acknowledged) for worker in workers}
                wait_for(lambda worker: len(worker.acknowledged) >= back[worker.name] + AFTER)
            finally:
                stop.set()
        for run in runs:
            run.result()
        return workers

    def listed(self, path: str) -> list[dict[str, str]]:
        whole: list[dict[str, str]] = []
        while True:
            page = {"page": len(whole) // 100 + 1, "page_size": 100}
            items = self.client.get(path, params=page).json()["items"]
            whole += items
            if len(items) < 100:
                return whole


@pytest.fixture(scope="module")
def pair(guardian: Guardian) -> Iterator[Pair]:
    """Servers of these tests' own: each test that kills one starts it again."""
    with temporary_folder() as folder, restartable(folder, guardian.servers.upstream) as pair:
        yield pair


@pytest.fixture(scope="module")
def running(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    changes = {"MONGO_TIMEOUT_S": "0.5", "PROVIDER_TIMEOUT_S": str(LIMIT_S)}
    with served(pair.servers, tmp_path_factory.mktemp("app"), **changes) as (client, _):
        yield Running(pair, client)


def must_be_there_once(stored: list[str], workers: list[Worker]) -> None:
    """What was acknowledged is stored; nothing is stored twice, nothing came from nowhere."""
    counted = Counter(stored)
    acknowledged = [text for worker in workers for text in worker.acknowledged]
    assert [text for text in acknowledged if counted[text] != 1] == []
    refused = [text for worker in workers for text in worker.refused]
    assert set(counted) <= {*refused, *acknowledged}
    assert [text for text, count in counted.items() if count > 1] == []


def test_chats_outlive_a_restart_of_postgres(running):
    client = running.client
    paths = {
        f"worker{number}": client.post("/conversations", json={"title": "Chat"}).json()["id"]
        for number in range(WORKERS)
    }

    def chat(client: httpx.Client, text: str) -> bool:
        path = f"/conversations/{paths[text.partition('-')[0]]}/chat"
        ending = ending_of(client.post(path, json={"provider": "gemini", "content": text}))
        assert ending in ("done", "error", "unavailable")
        return ending == "done"

    def look() -> None:
        assert_unavailable(client.get("/conversations"))
        assert_unavailable(client.post("/conversations", json={"title": "Now?"}))
        assert client.get("/jobs").status_code == 200  # the other database is not concerned

    workers = running.outage("postgres", chat, look)

    stored = []
    for conversation in paths.values():
        messages = client.get(f"/conversations/{conversation}").json()["messages"]
        # Whole turns only, each answer right after its question.
        assert [message["role"] for message in messages[0::2]] == len(messages[0::2]) * ["user"]
        for question, answer in zip(messages[0::2], messages[1::2], strict=True):
            assert answer["role"] == "assistant"
            assert f"you said “{question['content']}”" in answer["content"]
        stored += [message["content"] for message in messages[0::2]]
    must_be_there_once(stored, workers)
    assert {item["title"] for item in running.listed("/conversations")} == {"Chat"}


def test_jobs_outlive_a_restart_of_mongodb(running):
    client = running.client

    def post(client: httpx.Client, text: str) -> bool:
        response = client.post("/jobs", json={"title": text, "company": "Northwind"})
        if response.status_code == 201:
            return True
        assert_unavailable(response)
        return False

    def look() -> None:
        assert_unavailable(client.get("/jobs"))
        assert_unavailable(client.get("/jobs/hot"))
        assert client.get("/conversations").status_code == 200

    workers = running.outage("mongodb", post, look)

    must_be_there_once([job["title"] for job in running.listed("/jobs")], workers)


def test_an_answer_that_nobody_can_store_is_an_error_event(pair, tmp_path):
    with gated() as gate, ThreadPoolExecutor(1) as pool:
        changes = {"PROVIDER_TIMEOUT_S": str(LIMIT_S), **gate.environment}
        with served(pair.servers, tmp_path, **changes) as (client, _):
            conversation = client.post("/conversations", json={"title": "Chat"}).json()["id"]
            path = f"/conversations/{conversation}"
            url = client.base_url.join(f"{path}/chat")
            question = {"provider": "gemini", "content": "Who keeps this?"}

            chat = pool.submit(httpx.post, url, json=question, timeout=LIMIT_S)
            assert eventually(lambda: gate.waiting == 1 or chat.done(), LIMIT_S)
            pair.kill("postgres")
            gate.open()
            *tokens, last = events_of(chat.result(LIMIT_S))
            pair.start("postgres")

            assert {name for name, _ in tokens} == {"token"}
            assert last == ("error", {"provider": "gemini", "reason": NOT_STORED})
            assert client.get(path).json()["messages"] == []
