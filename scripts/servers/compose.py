"""The compose backend: the pair of docker-compose.yml, up for an afternoon or for one command.

`make up` leaves a pair running, and every BACKEND=compose command of this checkout then uses it, on
databases of its own. Without one, each command starts and stops a pair for itself. No file keeps
the passwords or the ports: the engine knows them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import show
from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import engine, process, ready
from scripts.servers.databases import drop_databases
from scripts.servers.images import images
from scripts.servers.model import Server, Servers
from scripts.servers.owned import take_charge, watch
from scripts.servers.upstream import Upstream

if TYPE_CHECKING:
    from docker.models.containers import Container

# The longest that an engine may be silent while it fetches an image.
SILENCE_LIMIT_S = 120
SERVICES = ("postgres", "mongo")
# Of this checkout: another one on the same machine has a pair of its own.
PROJECT = "wrongloop-" + hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]


def program() -> list[str] | None:
    """`docker compose`, or the older docker-compose; None if there is neither."""
    plugin = ["docker", "compose"]
    if shutil.which("docker"):
        asked = subprocess.run([*plugin, "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return plugin
    return ["docker-compose"] if shutil.which("docker-compose") else None


def command(project: str, *arguments: str) -> list[str]:
    """The command line for this project. Raises ServerError if there is no compose."""
    found = program()
    if found is None:
        raise ServerError(
            "neither `docker compose` nor `docker-compose` is installed",
            hint="BACKEND=testcontainers python -m scripts reproduce",
        )
    return [
        *found,
        "--project-name",
        project,
        "--file",
        str(ROOT / "docker-compose.yml"),
        *arguments,
    ]


def environment(**more: str) -> dict[str, str]:
    """Ours, with the images (it wins over .env) and fresh passwords, which no other place knows."""
    passwords = {name: secrets.token_hex(12) for name in ("POSTGRES_PASSWORD", "MONGO_PASSWORD")}
    return os.environ | images() | passwords | more


def compose(*arguments: str) -> int:
    """Run compose on the pair of `make up`; its exit code, 2 for any failure."""
    engine.point_at_it()
    called = command(PROJECT, *arguments)
    return subprocess.run(called, cwd=ROOT, env=environment(), check=False).returncode and 2


def up() -> int:
    """`make up`: start a pair and leave it; nothing happens to one that is up."""
    fetch_missing("compose")
    code = 0 if pair(PROJECT) else compose("up", "--detach")
    if code == 0:
        for server in answers(PROJECT):
            show.say(f"up: {server}")
        show.say("Next: BACKEND=compose make reproduce (and at the end: make down)")
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
    watch(owner, stack)
    log = folder / "compose.log"
    own = environment(WRONGLOOP_OWNER=owner, POSTGRES_PORT="", MONGO_PORT="")
    started = process.start(command(project, "up", "--detach"), log=log, env=own, cwd=ROOT)
    code = process.wait_for_end(started, ready.START_LIMIT_S)
    if code != 0:
        raise ServerError(f"compose up failed (exit {code}): {process.last_lines(log)}")


def pull() -> None:
    """Fetch the images, saying how far it is. Raises ServerError if the engine cannot."""
    wanted = images()
    found = engine.find(wanted)
    if found.why_not:
        raise ServerError(f"images are fetched by a Docker engine: {found.why_not}")
    for image in wanted.values():
        if image not in found.missing:
            show.say(f"{image}: already there")
            continue
        pull_one(image)


def fetch_missing(backend: str) -> None:
    """For a backend of containers: fetch what the engine lacks. Raises ServerError without one."""
    found = engine.find(images())
    if found.why_not:
        raise ServerError(
            f"BACKEND={backend} needs a Docker engine: {found.why_not}",
            hint="BACKEND=embedded python -m scripts reproduce",
        )
    for image in found.missing:
        pull_one(image)


def pull_one(image: str) -> None:
    """Fetch one image, a line for each layer that arrived."""
    show.say(f"{image}: fetching …")
    try:
        events = engine.connect(SILENCE_LIMIT_S).api.pull(image, stream=True, decode=True)
        for event in events:
            if "error" in event:
                raise ServerError(f"{image} could not be fetched: {event['error']}")
            if event.get("status") in ("Pull complete", "Download complete"):
                show.say(f"{image}: {event['status'].lower()} ({event.get('id', '')})")
    except engine.errors() as error:
        raise ServerError(f"{image} could not be fetched: {engine.plain(error)}") from None
    show.say(f"{image}: fetched")
