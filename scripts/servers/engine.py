"""The Docker engine: where is it, does it answer, and does it have the images?

`find()` is the one opinion on that: `auto`, the backends and `make doctor` all ask it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scripts.servers.background import in_background

if TYPE_CHECKING:
    import docker

ASK_LIMIT_S = 3
DEFAULT_SOCKET = Path("/var/run/docker.sock")
LOCALHOSTS = ("", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Engine:
    """What was found: `why_not` is empty if an engine can be used; `missing` names absent images.

    `clock_s` is what the engine says the time is, in seconds since 1970; 0.0 if it did not say.
    """

    why_not: str = ""
    version: str = ""
    missing: tuple[str, ...] = ()
    clock_s: float = 0.0
    name: str = "Docker"


def may_exist(environ: Mapping[str, str] = os.environ) -> bool:
    """Is there any sign of an engine? A look at the file system, so that `auto` costs nothing."""
    if environ.get("DOCKER_HOST") or has_context(environ):
        return True
    return os.name == "nt" or DEFAULT_SOCKET.exists() or bool(other_sockets(environ))


def has_context(environ: Mapping[str, str]) -> bool:
    """Does `docker context use` point somewhere? Colima and Docker Desktop set one."""
    home = Path(environ.get("HOME") or "/nonexistent")
    try:
        config = json.loads((home / ".docker" / "config.json").read_text("utf-8"))
        return bool(config.get("currentContext", "default") != "default")
    except (OSError, ValueError, AttributeError):
        return False


def other_sockets(environ: Mapping[str, str]) -> list[Path]:
    """The sockets of rootless Docker, Podman, Docker Desktop and Colima that are there."""
    home = Path(environ.get("HOME") or "/nonexistent")
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    places = (
        runtime / "docker.sock",
        runtime / "podman" / "podman.sock",
        home / ".docker" / "run" / "docker.sock",
        home / ".docker" / "desktop" / "docker.sock",
        home / ".colima" / "default" / "docker.sock",
    )
    return [path for path in places if path.exists()]


def point_at_it() -> None:
    """Set DOCKER_HOST where testcontainers and compose would not look by themselves."""
    if not (os.environ.get("DOCKER_HOST") or has_context(os.environ) or DEFAULT_SOCKET.exists()):
        for socket in other_sockets(os.environ)[:1]:
            os.environ["DOCKER_HOST"] = f"unix://{socket}"


def find(wanted: Mapping[str, str]) -> Engine:
    """Ask the engine, found as testcontainers finds it, for its version and the `wanted` images.

    There is an answer within a few seconds, whatever the engine does.
    """
    if not may_exist():
        return Engine(why_not="no Docker engine was found")
    # A thread of its own: an engine behind ssh can hang where no limit of docker's reaches.
    answer = in_background(lambda: ask(wanted))
    try:
        return answer.result(2 * ASK_LIMIT_S)
    except TimeoutError:
        return Engine(why_not=silence(f"no answer within {2 * ASK_LIMIT_S} s; restart it"))


def ask(wanted: Mapping[str, str]) -> Engine:
    """What the engine says; never an exception."""
    try:
        point_at_it()
        other = other_machine(testcontainers_client().get_docker_host() or "")
        if other:
            return Engine(why_not=other)
        missing = []
        with closing(connect()) as client:
            info = client.info()
            parts = client.version().get("Components") or ()
            for image in wanted.values():
                try:
                    client.images.get(image)
                except docker_errors().ImageNotFound:
                    missing.append(image)
    except errors() as error:
        return Engine(why_not=silence(plain(error)))
    version = str(info.get("ServerVersion") or "of unknown version")
    podman = any("Podman" in str(part.get("Name")) for part in parts)
    clock_s = seconds(str(info.get("SystemTime", "")))
    return Engine("", version, tuple(missing), clock_s, "Podman" if podman else "Docker")


def other_machine(host: str) -> str:
    """Why an engine at this address is of no use: its servers listen on its own loopback."""
    parts = urlsplit(host)
    if parts.scheme not in ("tcp", "http", "https", "ssh") or (parts.hostname or "") in LOCALHOSTS:
        return ""
    return (
        f"the Docker engine is on another machine ({parts.hostname}), "
        "and servers are started on loopback only"
    )


def connect(limit_s: int = ASK_LIMIT_S) -> docker.DockerClient:
    """The engine testcontainers would use, given `limit_s` for each answer.

    Raises docker's errors.
    """
    point_at_it()
    client: docker.DockerClient = testcontainers_client().DockerClient(timeout=limit_s).client
    return client


def errors() -> tuple[type[Exception], ...]:
    """What docker's client raises; ValueError is its word for a DOCKER_HOST that is none."""
    return (docker_errors().DockerException, OSError, ValueError)


def docker_errors() -> ModuleType:
    """docker's exceptions."""
    import docker.errors  # half a second or more, and most commands ask no engine

    module: ModuleType = docker.errors
    return module


def testcontainers_client() -> ModuleType:
    """testcontainers' own way to an engine."""
    from testcontainers.core import docker_client  # as above

    return docker_client


def seconds(time: str) -> float:
    """An engine's time, "2026-11-20T10:00:00.123456789Z", in seconds since 1970; else 0.0."""
    try:
        return datetime.fromisoformat(time[:19] + "+00:00").timestamp()
    except ValueError:
        return 0.0


def silence(why: str) -> str:
    """An engine that is there and of no use."""
    return f"the Docker engine does not answer ({why})"


def plain(error: BaseException) -> str:
    """The one thing in docker's nested message that a person can act on."""
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return "permission denied on its socket; is your user in the group docker?"
    if "FileNotFoundError" in text or "No such file" in text:
        return "its socket does not exist"
    if "Connection refused" in text:
        return "connection refused; is it running?"
    if "timed out" in text:
        return f"no answer within {ASK_LIMIT_S} s; restart it"
    return (text.splitlines() or [type(error).__name__])[0][:200]
