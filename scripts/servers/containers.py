"""The testcontainers backend, and what compose has in common with it: waiting and removing.

A container carries the label of the guardian that owns it, so that none is ever forgotten. The
guardian removes its own. If it is killed itself, ryuk does (testcontainers' reaper, used if its
image is there), and else the next guardian.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docker.errors import APIError, NotFound
from testcontainers.community.mongodb import MongoDbContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config as config
from testcontainers.core.generic import DbContainer
from testcontainers.core.wait_strategies import CompositeWaitStrategy

from scripts.errors import ServerError
from scripts.servers import engine, process
from scripts.servers.ask import NO_ANSWER, START_ANSWER_S, describe_mongodb, describe_postgres
from scripts.servers.folder import abandoned
from scripts.servers.model import Message, Server

if TYPE_CHECKING:
    from docker.models.containers import Container

# An official image makes its database anew, on a disk that may be slow.
START_LIMIT = ("WRONGLOOP_START_LIMIT_S", 120.0)
LABEL = "wrongloop.owner"
# Ryuk carries another one: it must not remove itself.
REAPER = "wrongloop.ryuk"
# Each request to the engine, when servers end: less than the command's patience in all.
STOP_LIMIT_S = 6
RYUK_PORT = 8080
# What the user says; later testcontainers is told to start no ryuk of its own.
RYUK_DISABLED = config.ryuk_disabled


class Kind(NamedTuple):
    """A server; `password` is the variable that its image takes the password from."""

    name: str
    port: int
    password: str
    url: str
    describe: Callable[..., Server]


POSTGRES_URL = "postgresql://postgres:{password}@{host}:{port}/postgres"
POSTGRES = Kind("Postgres", 5432, "POSTGRES_PASSWORD", POSTGRES_URL, describe_postgres)
MONGODB_URL = "mongodb://mongo:{password}@{host}:{port}/"
MONGODB = Kind("MongoDB", 27017, "MONGO_INITDB_ROOT_PASSWORD", MONGODB_URL, describe_mongodb)
REQUEST_LIMIT = {"timeout": 30}


class Postgres(PostgresContainer):
    """A container of the image `postgres`."""

    def _connect(self) -> None:
        """Nothing: the parent's `psql` would show the password in the process list."""


@engine.errors_told("a container did not start")
def start(request: Message, folder: Path, stack: ExitStack) -> tuple[Server, Server]:
    """Both servers, with passwords of this run. The command has seen to engine and images."""
    owner = take_charge(folder, stack)
    config.ryuk_disabled = True  # the one of testcontainers itself: see `watch`
    wanted = engine.images()
    postgres = Postgres(
        wanted["POSTGRES_IMAGE"],
        username="postgres",
        password=secrets.token_hex(12),
        dbname="postgres",
        driver=None,
        docker_client_kw=REQUEST_LIMIT,
    ).with_command(["-c", "fsync=off"])
    mongo = MongoDbContainer(
        wanted["MONGO_IMAGE"],
        username="mongo",
        password=secrets.token_hex(12),
        docker_client_kw=REQUEST_LIMIT,
    )
    jobs: list[Callable[[], None]] = [
        partial(start_container, postgres, POSTGRES, owner),
        partial(start_container, mongo, MONGODB, owner),
        partial(watch, owner, stack),
    ]
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(lambda job: job(), jobs))
    return wait(postgres.get_wrapped_container(), mongo.get_wrapped_container())


def start_container(container: DbContainer, kind: Kind, owner: str) -> None:
    """Start a container that listens on loopback only. Nothing is waited for yet."""
    # A pair is what docker's client takes for it; testcontainers' annotation knows only the port.
    container.ports = {str(kind.port): ("127.0.0.1", 0)}  # type: ignore[dict-item]
    container.with_kwargs(labels={LABEL: owner}).waiting_for(CompositeWaitStrategy()).start()


@engine.errors_told("a container did not start")
def wait(postgres: Container, mongodb: Container) -> tuple[Server, Server]:
    """The servers in two started containers, once both answered. Raises ServerError with the last
    lines of its log as soon as one ends, or if one stays silent."""
    limit_s = process.seconds(*START_LIMIT)
    silent = {POSTGRES: postgres, MONGODB: mongodb}
    servers: dict[Kind, Server] = {}

    def ask() -> bool | None:
        for kind, container in tuple(silent.items()):
            container.reload()
            if container.status not in ("created", "running"):
                raise failure(kind, container, "ended")
            if server := answer(kind, container):
                servers[kind] = server
                del silent[kind]
        return None if silent else True

    process.wait_until(ask, limit_s)
    for kind, container in silent.items():
        raise failure(kind, container, f"gave no answer within {limit_s:g} s ({START_LIMIT[0]})")
    return servers[POSTGRES], servers[MONGODB]


def answer(kind: Kind, container: Container) -> Server | None:
    """The server in a container, if it answers now; the engine knows its password."""
    variables = dict(entry.split("=", 1) for entry in container.attrs["Config"]["Env"])
    for host, port in addresses(container, kind.port):
        url = kind.url.format(password=variables[kind.password], host=host, port=port)
        with contextlib.suppress(*NO_ANSWER):
            server = kind.describe(url, timeout_s=START_ANSWER_S)
            return replace(server, container=str(container.id))
    return None


def failure(kind: Kind, container: Container, what: str) -> ServerError:
    log = engine.last_lines(str(container.id)) or "its log cannot be read"
    return ServerError(f"the container of {kind.name} {what}: {log}")


def machine() -> str:
    """This machine and account: what lives elsewhere is not ours to judge."""
    account = os.geteuid() if hasattr(os, "geteuid") else 0
    return f"{socket.gethostname()}:{account}:"


def take_charge(folder: Path, stack: ExitStack) -> str:
    """What carries the label that is returned is removed at the end of `stack`.

    The folder in it is locked while its guardian lives. What a killed one left is removed first.
    """
    sweep()
    owner = f"{machine()}{folder}"
    stack.callback(remove_all, owner)
    return owner


def labelled(label: str) -> list[Container]:
    """The containers with this label ("name" or "name=value"), those that have ended included. Of
    each only what a list shows is known: to ask for more costs a request a container."""
    containers = engine.connect(STOP_LIMIT_S).containers
    return list(containers.list(all=True, filters={"label": label}, sparse=True))


def remove_all(owner: str) -> None:
    """Remove every container of this owner, all at once, with their volumes; ryuk, too. Raises
    ServerError if the engine does not do it; the next command will."""
    with engine.errors_told(f"containers with the label {LABEL}={owner} may be left"):
        containers = labelled(f"{LABEL}={owner}") + labelled(f"{REAPER}={owner}")
        with ThreadPoolExecutor(len(containers) or 1) as pool:
            list(pool.map(remove, containers))


def remove(container: Container) -> None:
    """End a container and remove it. Somebody else's doing so at this moment is as good."""
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
    except OSError:  # no answer yet: a disk can need long for what a database wrote
        with contextlib.suppress(NotFound):
            container.reload()
            if container.status not in ("removing", "dead"):
                raise


@engine.errors_told("the Docker engine does not answer")
def sweep() -> None:
    """Remove the containers of this machine and account whose guardian is dead."""
    mine = machine()
    for container in labelled(LABEL):
        value = str((container.attrs.get("Labels") or {}).get(LABEL, ""))
        if value.startswith(mine) and abandoned(Path(value.removeprefix(mine))):
            remove(container)


def watch(owner: str, stack: ExitStack) -> None:
    """Have ryuk remove what carries this label if we cannot, if it may run and its image is there.

    Not testcontainers' own `Reaper`: that one listens on every interface, knows nothing of compose,
    and fetches its image in silence.
    """
    if RYUK_DISABLED:
        return
    # Without its image, or where an engine lets nobody mount its socket, the guardian suffices.
    with contextlib.suppress(*engine.errors()):
        ryuk = engine.connect(STOP_LIMIT_S).containers.create(
            config.ryuk_image,
            auto_remove=True,
            privileged=config.ryuk_privileged,
            environment={"RYUK_RECONNECTION_TIMEOUT": config.ryuk_reconnection_timeout},
            ports={str(RYUK_PORT): ("127.0.0.1", 0)},
            volumes={config.ryuk_docker_socket: {"bind": "/var/run/docker.sock", "mode": "rw"}},
            labels={REAPER: owner},
        )
        ryuk.start()
        line = process.wait_until(lambda: hand_over(ryuk, f"label={LABEL}={owner}"), STOP_LIMIT_S)
        if line is not None:
            stack.enter_context(line)


def hand_over(ryuk: Container, what: str) -> socket.socket | None:
    """Tell ryuk what to remove when the line returned is closed, however that happens. None while
    it does not answer."""
    with contextlib.suppress(OSError):
        ryuk.reload()
        for place in addresses(ryuk, RYUK_PORT):
            line = socket.create_connection(place, timeout=2)
            line.sendall(f"{what}\n".encode())
            if line.recv(64).startswith(b"ACK"):
                return line
            line.close()
    return None


def addresses(container: Container, port: int) -> list[tuple[str, int]]:
    """Where a container's port may be reached: on loopback, or, from inside a container, directly.
    Only a server's answer tells which. Empty if the container publishes nothing (any more)."""
    settings = container.attrs["NetworkSettings"]
    published = (settings.get("Ports") or {}).get(f"{port}/tcp") or ()
    places = [("127.0.0.1", int(each["HostPort"])) for each in published[:1]]
    if places and Path("/.dockerenv").exists():
        networks = (settings.get("Networks") or {}).values()
        places += [(each["IPAddress"], port) for each in networks if each.get("IPAddress")]
    return places
