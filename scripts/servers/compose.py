"""Call compose on docker-compose.yml: `docker compose`, or the older docker-compose."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess

from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import engine
from scripts.servers.engine import PROJECT


def program() -> list[str] | None:
    """`docker compose`, or the older docker-compose; None if there is neither."""
    plugin = ["docker", "compose"]
    if shutil.which("docker"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Not the engine's business: with its address, a docker without the plugin would ask it.
            nowhere = os.environ | {"DOCKER_HOST": "unix:///nowhere"}
            asked = subprocess.run(
                [*plugin, "version"], env=nowhere, capture_output=True, timeout=5, check=False
            )
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
    file = str(ROOT / "docker-compose.yml")
    return [*found, "--project-name", project, "--file", file, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Ours, with the images (it wins over .env) and fresh passwords, which no other place knows."""
    passwords = {name: secrets.token_hex(12) for name in ("POSTGRES_PASSWORD", "MONGO_PASSWORD")}
    return os.environ | engine.images() | passwords | more


def compose(*arguments: str) -> int:
    """Run compose on the pair of `make up`; its exit code, 2 for any failure."""
    engine.point_at_it()
    called = command(PROJECT, *arguments)
    return subprocess.run(called, cwd=ROOT, env=environment(), check=False).returncode and 2
