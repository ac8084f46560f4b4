"""The testcontainers backend: the official images, one container a server, both at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event

from testcontainers.community.mongodb import MongoDbContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.generic import DbContainer
from testcontainers.core.wait_strategies import WaitStrategy
from testcontainers.core.waiting_utils import WaitStrategyTarget

from scripts.servers import ready
from scripts.servers.container_labels import LABEL, take_charge, watch
from scripts.servers.images import images
from scripts.servers.model import Server, Servers
from scripts.servers.upstream import Upstream

REQUEST_LIMIT = {"timeout": 30}


class Postgres(PostgresContainer):
    """A container of the image `postgres`."""

    def _connect(self) -> None:
        """Nothing: the parent's `psql` would show the password in the process list."""


class Answer(WaitStrategy):
    """Ready when a real query was answered; `server` then says by what."""

    server: Server

    def __init__(self, kind: ready.Kind, given_up: Event) -> None:
        super().__init__()
        self._kind = kind
        self._given_up = given_up

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Ask until there is an answer. Raises ServerError with the log's end if there is none."""
        started = container.get_wrapped_container()
        self.server = ready.wait_for_answer(started, self._kind, self._given_up)


def start_containers(token: str, folder: Path, stack: ExitStack) -> Servers:
    """Both containers, started at once. The command has seen to the engine and the images."""
    owner = take_charge(folder, stack)
    with_ryuk = not testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True  # the one of testcontainers itself: see `watch`
    wanted = images()
    upstream = Upstream(folder, stack)
    jobs: list[Callable[[Event], object]] = [
        partial(start_postgres, wanted["POSTGRES_IMAGE"], owner),
        partial(start_mongodb, wanted["MONGO_IMAGE"], owner),
    ]
    if with_ryuk:
        jobs.append(partial(watch, owner, stack))
    postgres, mongodb, *_ = ready.at_once(jobs)
    return Servers(
        backend="testcontainers",
        token=token,
        postgres=postgres,
        mongodb=mongodb,
        upstream=upstream.wait(),
        log_dir=str(folder),
    )


def start_postgres(image: str, owner: str, given_up: Event) -> Server:
    """A Postgres container with a password of this run, its data as fleeting as itself."""
    password = secrets.token_hex(12)
    container = Postgres(
        image,
        username="postgres",
        password=password,
        dbname="postgres",
        driver=None,
        docker_client_kw=REQUEST_LIMIT,
    ).with_command(["-c", "fsync=off"])
    return start(container, ready.postgres(password), owner, given_up)


def start_mongodb(image: str, owner: str, given_up: Event) -> Server:
    """A MongoDB container with a password of this run."""
    password = secrets.token_hex(12)
    container = MongoDbContainer(
        image, username="mongo", password=password, docker_client_kw=REQUEST_LIMIT
    )
    return start(container, ready.mongodb(password), owner, given_up)


def start(container: DbContainer, kind: ready.Kind, owner: str, given_up: Event) -> Server:
    """Start a container that listens on loopback only, and wait for its first answer."""
    # A pair is what docker's client takes for it; testcontainers' annotation knows only the port.
    container.ports = {str(kind.port): ("127.0.0.1", 0)}  # type: ignore[dict-item]
    answer = Answer(kind, given_up)
    container.with_kwargs(labels={LABEL: owner}).waiting_for(answer).start()
    return answer.server
