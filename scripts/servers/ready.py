"""Wait for the servers of containers: ready means that a real query was answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any

from scripts.errors import ServerError
from scripts.servers import engine, process
from scripts.servers.ask import ask_mongodb, ask_postgres
from scripts.servers.container_labels import addresses
from scripts.servers.limits import seconds
from scripts.servers.model import Server

if TYPE_CHECKING:
    from docker.models.containers import Container

# An official image makes its database anew, on a disk that may be slow.
START_LIMIT = ("WRONGLOOP_START_LIMIT_S", 120.0)


@dataclass(frozen=True)
class Kind:
    """One of the two servers: how it is called, its port inside, its URL, and how it is asked."""

    name: str
    port: int
    url: str
    ask: Callable[[str], Server | None]


def postgres(password: str) -> Kind:
    """A Postgres with this password."""
    url = f"postgresql://postgres:{password}@{{}}:{{}}/postgres"
    return Kind("Postgres", 5432, url, ask_postgres)


def mongodb(password: str) -> Kind:
    """A MongoDB with this password."""
    return Kind("MongoDB", 27017, f"mongodb://mongo:{password}@{{}}:{{}}/", ask_mongodb)


def wait_for_answer(container: Container, kind: Kind, given_up: Event) -> Server:
    """The server in a started container, once it answered.

    Raises ServerError with the last lines of its log if it ends or stays silent.
    """
    limit = seconds(*START_LIMIT)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and not given_up.is_set():
        process.end.check()
        container.reload()
        if container.status not in ("created", "running"):
            raise ServerError(f"the container of {kind.name} ended: {last_lines(container)}")
        for place in addresses(container, kind.port):
            server = kind.ask(kind.url.format(*place))
            if server is not None:
                return replace(server, container=str(container.id))
        time.sleep(process.POLL_S)
    waited = f"{limit:g} s ({START_LIMIT[0]})"
    raise ServerError(
        f"the container of {kind.name} gave no answer within {waited}: {last_lines(container)}"
    )


def last_lines(container: Container, count: int = 5) -> str:
    """The end of a container's log, on one line."""
    try:
        log = container.logs(tail=count).decode("utf-8", "replace")
    except engine.errors():
        return "its log cannot be read"
    return " | ".join(log.strip().splitlines()) or "it wrote no log"


def last_lines_of(container_id: str, count: int) -> str:
    """The end of the log of a container, from its id; "" if the engine does not tell."""
    try:
        with closing(engine.connect()) as client:
            return last_lines(client.containers.get(container_id), count)
    except engine.errors():
        return ""


def at_once(jobs: Sequence[Callable[[Event], object]]) -> list[Any]:
    """Do all the jobs at once; what they returned. The first that fails has the others give up.

    Raises its ServerError, or SystemExit if this process shall end.
    """
    given_up = Event()
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(job, given_up) for job in jobs]
        wait(futures, return_when=FIRST_EXCEPTION)
        failed = [future for future in futures if future.done() and future.exception()]
        if failed:
            given_up.set()
    if not failed:
        return [future.result() for future in futures]
    error = failed[0].exception()
    if isinstance(error, ServerError | SystemExit):
        raise error
    assert error is not None
    raise ServerError(f"a container did not start: {engine.plain(error)}") from error
