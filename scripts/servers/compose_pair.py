"""The compose backend: the pair of docker-compose.yml, up for an afternoon or for one command.

`make up` leaves a pair running, and every BACKEND=compose command of this checkout then uses it, on
databases of its own. Without one, each command starts and stops a pair for itself. No file keeps
the passwords or the ports: the engine knows them.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from testcontainers.core.config import testcontainers_config

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import engine, process, ready
from scripts.servers.compose import PROJECT, command, compose, environment
from scripts.servers.container_labels import take_charge, watch
from scripts.servers.databases import drop_databases
from scripts.servers.fetch import fetch_missing
from scripts.servers.limits import seconds
from scripts.servers.model import Server, Servers
from scripts.servers.upstream import Upstream

if TYPE_CHECKING:
    from docker.models.containers import Container

SERVICES = ("postgres", "mongo")


def up() -> int:
    """`make up`: start a pair and leave it; nothing happens to one that is up."""
    fetch_missing("compose")
    code = 0 if pair(PROJECT) else compose("up", "--detach")
    if code != 0:
        compose("down")  # half a pair serves nobody
    else:
        for server in answers(PROJECT):
            print(f"up: {server}", flush=True)
        print("Next: BACKEND=compose make reproduce (and at the end: make down)", flush=True)
    return code


def pair(project: str) -> dict[str, Container]:
    """{"postgres": …, "mongo": …} of a project, if both run; else {}."""
    client = engine.connect()
    label = f"com.docker.compose.project={project}"
    found = {
        container.labels["com.docker.compose.service"]: container
        for container in client.containers.list(filters={"label": label}, ignore_removed=True)
    }
    return found if set(found) == set(SERVICES) else {}


def answers(project: str) -> list[Server]:
    """The servers of a pair that runs, once they answered: Postgres, MongoDB."""
    found = pair(project)
    if not found:
        raise ServerError("the containers of docker-compose.yml ended", hint="make logs")
    kinds = {
        "postgres": ready.postgres(variable(found["postgres"], "POSTGRES_PASSWORD")),
        "mongo": ready.mongodb(variable(found["mongo"], "MONGO_INITDB_ROOT_PASSWORD")),
    }
    waits = [partial(ready.wait_for_answer, found[name], kinds[name]) for name in SERVICES]
    return ready.at_once(waits)


def variable(container: Container, name: str) -> str:
    """A variable of a container's environment."""
    entries: list[str] = container.attrs["Config"]["Env"]
    return dict(entry.split("=", 1) for entry in entries).get(name, "")


def start_compose(token: str, folder: Path, stack: ExitStack) -> Servers:
    """The pair of `make up` if it is up, else one for this command alone."""
    upstream = Upstream(folder, stack)
    try:
        shared = pair(PROJECT)
        if shared:
            project = PROJECT
        else:
            project = f"wrongloop-{token}"
            start_own(project, folder, stack)
        postgres, mongodb = answers(project)
    except engine.errors() as error:
        raise ServerError(engine.silence(engine.plain(error))) from None
    servers = Servers(
        backend="compose",
        token=token,
        postgres=postgres,
        mongodb=mongodb,
        upstream=upstream.wait(),
        log_dir=str(folder),
    )
    if shared:
        stack.callback(drop_databases, servers)
    return servers


def start_own(project: str, folder: Path, stack: ExitStack) -> None:
    """Start a pair that ends with this guardian, on ports that are free."""
    owner = take_charge(folder, stack)
    if not testcontainers_config.ryuk_disabled:
        watch(owner, stack)
    log = folder / "compose.log"
    own = environment(WRONGLOOP_OWNER=owner, POSTGRES_PORT="", MONGO_PORT="")
    started = process.start(command(project, "up", "--detach"), log=log, env=own, cwd=ROOT)
    code = process.wait_for_end(started, seconds(*ready.START_LIMIT))
    if code != 0:
        raise ServerError(f"compose up failed (exit {code}): {process.last_lines(log)}")
