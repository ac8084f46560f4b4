"""The compose backend: the pair of docker-compose.yml, up for an afternoon or for one command.

`make up` leaves a pair running, and every command of this checkout then uses it (with BACKEND=auto
or compose), on databases of its own. Without one, each command with BACKEND=compose starts and
stops a pair for itself. No file keeps the passwords or the ports: the engine knows them.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import containers, engine, process
from scripts.servers.ask import drop_databases
from scripts.servers.compose import command, compose, environment
from scripts.servers.engine import PROJECT
from scripts.servers.fetch import fetch_missing
from scripts.servers.model import Message, Server

if TYPE_CHECKING:
    from docker.models.containers import Container

SERVICES = {"postgres", "mongo"}


def up() -> int:
    """`make up`: start a pair and leave it; nothing happens to one that is up."""
    fetch_missing("compose")
    code = 0 if pair(PROJECT) else compose("up", "--detach")
    if code != 0:
        compose("down")  # half a pair serves nobody
    else:
        for server in answers(PROJECT):
            print(f"up: {server}", flush=True)
        print(
            "Next: make reproduce, which uses it, or make ps (and at the end: make down)",
            flush=True,
        )
    return code


@engine.errors_told("the Docker engine does not answer")
def pair(project: str) -> dict[str, Container]:
    """{"postgres": …, "mongo": …} of a project, if both run; else {}."""
    client = engine.connect()
    label = f"com.docker.compose.project={project}"
    running = {
        container.labels["com.docker.compose.service"]: container
        for container in client.containers.list(filters={"label": label}, ignore_removed=True)
    }
    return running if set(running) == SERVICES else {}


def answers(project: str) -> tuple[Server, Server]:
    """The servers of a pair that runs, once they answered: Postgres, MongoDB."""
    running = pair(project)
    if not running:
        raise ServerError("the containers of docker-compose.yml ended", hint="make logs")
    return containers.wait(running["postgres"], running["mongo"])


def start(request: Message, folder: Path, stack: ExitStack) -> tuple[Server, Server]:
    """The pair of `make up` if it is up, else one for this command alone."""
    token = request["token"]
    if pair(PROJECT):
        postgres, mongodb = answers(PROJECT)
        stack.callback(drop_databases, token, postgres, mongodb)
        return postgres, mongodb
    project = f"wrongloop-{token}"
    owner = containers.take_charge(folder, stack)
    containers.watch(owner, stack)
    log = folder / "compose.log"
    own = environment(WRONGLOOP_OWNER=owner, POSTGRES_PORT="", MONGO_PORT="")  # ports that are free
    limit_s = process.seconds(*containers.START_LIMIT)
    code = process.run(command(project, "up", "--detach"), limit_s, log=log, env=own, cwd=ROOT)
    if code != 0:
        raise ServerError(f"compose up failed (exit {code}): {process.last_lines(log)}")
    return answers(project)
