"""The pair of docker-compose.yml, and the images: what `make up`, `down` and `pull` do."""

from __future__ import annotations

import os
import shutil
import subprocess

from scripts import show
from scripts.errors import ServerError
from scripts.paths import ROOT
from scripts.servers import engine
from scripts.servers.images import images

# The longest that an engine may be silent while it fetches an image.
SILENCE_LIMIT_S = 120


def compose(*arguments: str) -> int:
    """Run `docker compose ARGUMENTS` (or the older docker-compose) on docker-compose.yml."""
    plugin = ["docker", "compose"]
    asked = shutil.which("docker") and subprocess.run([*plugin, "version"], capture_output=True)
    if asked and asked.returncode == 0:
        command = plugin
    elif shutil.which("docker-compose"):
        command = ["docker-compose"]
    else:
        raise ServerError(
            "neither `docker compose` nor `docker-compose` is installed",
            hint="BACKEND=embedded python -m scripts reproduce",
        )
    # The same rule as for every other reader: the environment wins over .env.
    return subprocess.run([*command, *arguments], cwd=ROOT, env=os.environ | images()).returncode


def pull() -> None:
    """Fetch both images, saying how far it is. Raises ServerError if the engine cannot."""
    wanted = images()
    found = engine.find(wanted)
    if found.why_not:
        raise ServerError(f"images are fetched by a Docker engine: {found.why_not}")
    for image in wanted.values():
        if image not in found.missing:
            show.say(f"{image}: already there")
            continue
        pull_one(image)


def fetch_missing() -> None:
    """For BACKEND=testcontainers: fetch what the engine lacks. Raises ServerError without one."""
    found = engine.find(images())
    if found.why_not:
        raise ServerError(
            f"BACKEND=testcontainers needs a Docker engine: {found.why_not}",
            hint="BACKEND=embedded python -m scripts reproduce",
        )
    for image in found.missing:
        pull_one(image)


def pull_one(image: str) -> None:
    """Fetch one image, a line for each layer that arrived."""
    from docker.errors import DockerException

    show.say(f"{image}: fetching …")
    try:
        events = engine.connect(SILENCE_LIMIT_S).api.pull(image, stream=True, decode=True)
        for event in events:
            if "error" in event:
                raise ServerError(f"{image} could not be fetched: {event['error']}")
            if event.get("status") in ("Pull complete", "Download complete"):
                show.say(f"{image}: {event['status'].lower()} ({event.get('id', '')})")
    except (DockerException, OSError) as error:
        raise ServerError(f"{image} could not be fetched: {engine.plain(error)}") from None
    show.say(f"{image}: fetched")
