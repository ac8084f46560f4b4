"""The Docker engine: does one answer, and does it have the images?"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

ASK_LIMIT_S = 3


@dataclass(frozen=True)
class Engine:
    """What was found: `why_not` is empty if an engine answers; `missing` names absent images."""

    why_not: str = ""
    version: str = ""
    missing: tuple[str, ...] = ()


def may_exist(environ: Mapping[str, str] = os.environ) -> bool:
    """Is there any sign of an engine? A look at the file system, so that `auto` costs nothing."""
    if environ.get("DOCKER_HOST"):
        return True
    home = Path(environ.get("HOME") or "/nonexistent")
    try:
        config = json.loads((home / ".docker" / "config.json").read_text("utf-8"))
        if config.get("currentContext", "default") != "default":
            return True
    except (OSError, ValueError, AttributeError):
        pass
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    sockets = (
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        runtime / "podman" / "podman.sock",
        home / ".docker" / "run" / "docker.sock",
        home / ".docker" / "desktop" / "docker.sock",
        home / ".colima" / "default" / "docker.sock",
    )
    return os.name == "nt" or any(path.exists() for path in sockets)


def find(wanted: Mapping[str, str]) -> Engine:
    """Ask the engine, found as testcontainers finds it, for its version and the `wanted` images."""
    if not may_exist():
        return Engine(why_not="no Docker engine was found")
    from docker.errors import DockerException, ImageNotFound

    try:
        client = connect()
        version = str(client.version().get("Version", "unknown"))
        missing = []
        for image in wanted.values():
            try:
                client.images.get(image)
            except ImageNotFound:
                missing.append(image)
        client.close()
    except (DockerException, OSError) as error:
        return Engine(why_not=f"the Docker engine does not answer ({plain(error)})")
    return Engine(version=version, missing=tuple(missing))


def connect(limit_s: int = ASK_LIMIT_S) -> docker.DockerClient:
    """The engine testcontainers would use, given `limit_s` for each answer.

    Raises docker's errors.
    """
    from testcontainers.core.docker_client import DockerClient

    client: docker.DockerClient = DockerClient(timeout=limit_s).client
    return client


def plain(error: BaseException) -> str:
    """The one thing in docker's nested message that a person can act on."""
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return "permission denied on its socket; is your user in the group docker?"
    if "FileNotFoundError" in text or "No such file" in text:
        return "its socket does not exist"
    if "Connection refused" in text:
        return "connection refused; is it running?"
    return text.splitlines()[0][:200]
