"""Fetch the images of the containers, saying how far it is."""

from __future__ import annotations

from testcontainers.core.config import testcontainers_config

from scripts.errors import ServerError
from scripts.servers import engine

# The longest that an engine may be silent while it fetches an image.
SILENCE_LIMIT_S = 120
HINT = "BACKEND=embedded python -m scripts reproduce, or make offline-unpack DIR=…"


def pull() -> None:
    """Fetch the images, and testcontainers' reaper, ryuk. Raises ServerError if the engine cannot;
    but ryuk is only used if it is there, and without it all works as well."""
    ryuk = testcontainers_config.ryuk_image
    wanted = engine.images() | {"ryuk": ryuk}
    docker = engine.find(wanted)
    if docker.why_not:
        raise ServerError(f"images are fetched by a Docker engine: {docker.why_not}")
    for image in wanted.values():
        if image not in docker.missing:
            print(f"{image}: already there", flush=True)
            continue
        try:
            pull_image(image)
        except ServerError as error:
            if image != ryuk:
                raise
            print(f"{error}; containers are removed without it, too", flush=True)


def fetch_missing(backend: str) -> None:
    """For a backend of containers: fetch what the engine lacks. Raises ServerError without one."""
    docker = engine.find(engine.images())
    if docker.why_not:
        raise ServerError(
            f"BACKEND={backend} needs a Docker engine: {docker.why_not}",
            hint="BACKEND=embedded python -m scripts reproduce",
        )
    for image in docker.missing:
        pull_image(image)


def pull_image(image: str) -> None:
    """Fetch an image, a line for each layer that arrived."""
    print(f"{image}: fetching …", flush=True)
    failed = f"{image} could not be fetched"
    with engine.errors_told(failed, HINT):
        for event in engine.connect(SILENCE_LIMIT_S).api.pull(image, stream=True, decode=True):
            if "error" in event:
                raise ServerError(f"{failed}: {event['error']}", hint=HINT)
            if event.get("status") in ("Pull complete", "Download complete"):
                print(f"{image}: {event['status'].lower()} ({event.get('id', '')})", flush=True)
    print(f"{image}: fetched", flush=True)
