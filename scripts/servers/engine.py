"""The Docker engine: where is it, does it answer, and does it have the images?

`find()` is the one opinion on that: `auto`, the backends and `make doctor` all ask it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers.model import first_line
from scripts.servers.process import in_background

if TYPE_CHECKING:
    import docker

# What compose calls the pair of this checkout: another one on the same machine has its own.
PROJECT = "wrongloop-" + hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
PROJECT_LABEL = f"com.docker.compose.project={PROJECT}"
ASK_LIMIT_S = 3
DEFAULT_SOCKET = Path("/var/run/docker.sock")
# The sockets of rootless Docker, Podman, Docker Desktop and Colima, below the folder in a variable.
OTHER_SOCKETS = (
    ("XDG_RUNTIME_DIR", "docker.sock"),
    ("XDG_RUNTIME_DIR", "podman/podman.sock"),
    ("HOME", ".docker/run/docker.sock"),
    ("HOME", ".docker/desktop/docker.sock"),
    ("HOME", ".colima/default/docker.sock"),
)
# testcontainers' own way to an engine.
TESTCONTAINERS = "testcontainers.core.docker_client"
LOCALHOSTS = ("", "localhost", "127.0.0.1", "::1")

DENIED = "permission denied on its socket; is your user in the group docker?"
ABSENT = "its socket does not exist"
MEANINGS = {
    "Permission denied": DENIED,
    "PermissionError": DENIED,
    "FileNotFoundError": ABSENT,
    "No such file": ABSENT,
    "Connection refused": "connection refused; is it running?",
    "timed out": f"no answer within {ASK_LIMIT_S} s; restart it",
}


@dataclass(frozen=True)
class Engine:
    """`why_not` is empty if an engine can be used; `missing` names absent images; `clock_s` is
    what the engine says the time is, in seconds since 1970, 0.0 if it did not say; `pair` tells
    whether both servers of this checkout's docker-compose.yml run."""

    why_not: str = ""
    version: str = ""
    missing: tuple[str, ...] = ()
    clock_s: float = 0.0
    name: str = "Docker"
    pair: bool = False


def images(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """{"POSTGRES_IMAGE": tag, "MONGO_IMAGE": tag}: pinned in `.env`, or from `environ`."""
    pinned = dotenv_values(ROOT / ".env")
    names = ("POSTGRES_IMAGE", "MONGO_IMAGE")
    return {name: environ.get(name) or pinned[name] or "" for name in names}


def may_exist(environ: Mapping[str, str] = os.environ) -> bool:
    """Is there any sign of an engine? A look at the file system, so that `auto` costs nothing."""
    return is_told(environ) or os.name == "nt" or bool(other_sockets(environ))


def is_told(environ: Mapping[str, str]) -> bool:
    """Do testcontainers and compose know where to look? Colima and Docker Desktop set a context."""
    if environ.get("DOCKER_HOST") or DEFAULT_SOCKET.exists():
        return True
    home = Path(environ.get("HOME") or "/nonexistent")
    try:
        config = json.loads((home / ".docker" / "config.json").read_text("utf-8"))
        return bool(config.get("currentContext", "default") != "default")
    except (OSError, ValueError, AttributeError):
        return False


def other_sockets(environ: Mapping[str, str]) -> list[Path]:
    """Those of OTHER_SOCKETS that are there."""
    paths = (Path(environ.get(base) or "/nonexistent", name) for base, name in OTHER_SOCKETS)
    return [path for path in paths if path.exists()]


def point_at_it() -> None:
    """Set DOCKER_HOST where testcontainers and compose would not look by themselves."""
    sockets = other_sockets(os.environ)
    if sockets and not is_told(os.environ):
        os.environ["DOCKER_HOST"] = f"unix://{sockets[0]}"


def find(wanted: Mapping[str, str]) -> Engine:
    """Ask the engine, found as testcontainers finds it, for its version and the `wanted` images.
    There is an answer within a few seconds, whatever the engine does."""
    if not may_exist():
        return Engine(why_not="no Docker engine was found")
    # A thread of its own: an engine behind ssh can hang where no limit of docker's reaches.
    answer = in_background(lambda: ask(wanted))
    try:
        return answer.result(2 * ASK_LIMIT_S)
    except TimeoutError:
        return silent(f"no answer within {2 * ASK_LIMIT_S} s; restart it")


def ask(wanted: Mapping[str, str]) -> Engine:
    """What the engine says; never an exception."""
    try:
        point_at_it()
        other = other_machine(late(TESTCONTAINERS).get_docker_host() or "")
        if other:
            return Engine(why_not=other)
        missing = []
        with closing(connect()) as client:
            info = client.info()
            parts = client.version().get("Components") or ()
            for image in wanted.values():
                try:
                    client.images.get(image)
                except late("docker.errors").ImageNotFound:
                    missing.append(image)
            pair = client.containers.list(filters={"label": PROJECT_LABEL}, ignore_removed=True)
    except errors() as error:
        return silent(plain(error))
    version = str(info.get("ServerVersion") or "of unknown version")
    podman = any("Podman" in str(part.get("Name")) for part in parts)
    clock_s = timestamp(str(info.get("SystemTime", "")))
    name = "Podman" if podman else "Docker"
    return Engine("", version, tuple(missing), clock_s, name, pair=len(pair) == 2)


def silent(why: str) -> Engine:
    """An engine that is there and of no use."""
    return Engine(why_not=f"the Docker engine does not answer ({why})")


def other_machine(host: str) -> str:
    """Why an engine at this address is of no use: its servers listen on its own loopback."""
    parts = urlsplit(host)
    if parts.scheme not in ("tcp", "http", "https", "ssh") or (parts.hostname or "") in LOCALHOSTS:
        return ""
    where = f"on another machine ({parts.hostname})"
    return f"the Docker engine is {where}, and servers are started on loopback only"


def connect(limit_s: int = ASK_LIMIT_S) -> docker.DockerClient:
    """The engine testcontainers would use, given `limit_s` for each answer. Raises its errors."""
    point_at_it()
    client: docker.DockerClient = late(TESTCONTAINERS).DockerClient(timeout=limit_s).client
    return client


def last_lines(container_id: str, count: int = 5) -> str:
    """The end of the log of a container, on one line; "" if the engine does not tell."""
    try:
        with closing(connect()) as client:
            log = client.containers.get(container_id).logs(tail=count).decode("utf-8", "replace")
    except errors():
        return ""
    return " | ".join(log.strip().splitlines()) or "it wrote no log"


@contextmanager
def errors_told(what: str, hint: str = "") -> Iterator[None]:
    """Raise ServerError, of `what` went wrong and docker's reason, for docker's errors inside."""
    try:
        yield
    except errors() as error:
        raise ServerError(f"{what}: {plain(error)}", hint=hint) from None


def errors() -> tuple[type[Exception], ...]:
    """What docker's client raises; ValueError is its word for a DOCKER_HOST that is none."""
    return (late("docker.errors").DockerException, OSError, ValueError)


def late(module: str) -> ModuleType:
    """A module of docker's client: half a second or more, and most commands ask no engine."""
    return import_module(module)


def timestamp(time: str) -> float:
    """An engine's time, "2026-11-20T10:00:00.123456789Z", in seconds since 1970; else 0.0."""
    try:
        return datetime.fromisoformat(time[:19] + "+00:00").timestamp()
    except ValueError:
        return 0.0


def plain(error: BaseException) -> str:
    """The one thing in docker's nested message that a person can act on."""
    meanings = (meaning for words, meaning in MEANINGS.items() if words in str(error))
    return next(meanings, first_line(error)[:200])
