"""Fetch the images of the containers, saying how far it is."""

from __future__ import annotations

from testcontainers.core.config import testcontainers_config

from scripts.errors import ServerError
from scripts.servers import engine
from scripts.servers.images import images

# The longest that an engine may be silent while it fetches an image.
SILENCE_LIMIT_S = 120


def pull() -> None:
    """Fetch the images, saying how far it is. Raises ServerError if the engine cannot."""
    wanted = images()
    found = engine.find(wanted)
    if found.why_not:
        raise ServerError(f"images are fetched by a Docker engine: {found.why_not}")
    for image in wanted.values():
        if image not in found.missing:
            print(f"{image}: already there", flush=True)
            continue
        pull_one(image)
    pull_ryuk()


def pull_ryuk() -> None:
    """Fetch testcontainers' reaper, which is used if it is there; without it all works as well."""
    ryuk = testcontainers_config.ryuk_image
    if not engine.find({"ryuk": ryuk}).missing:
        print(f"{ryuk}: already there", flush=True)
        return
    try:
        pull_one(ryuk)
    except ServerError as error:
        print(f"{error}; containers are removed without it, too", flush=True)


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
    print(f"{image}: fetching …", flush=True)
    try:
        events = engine.connect(SILENCE_LIMIT_S).api.pull(image, stream=True, decode=True)
        for event in events:
            if "error" in event:
                raise not_fetched(image, event["error"])
            if event.get("status") in ("Pull complete", "Download complete"):
                print(f"{image}: {event['status'].lower()} ({event.get('id', '')})", flush=True)
    except engine.errors() as error:
        raise not_fetched(image, engine.plain(error)) from None
    print(f"{image}: fetched", flush=True)


def not_fetched(image: str, why: str) -> ServerError:
    """The error for an image that is not there and cannot be had."""
    hint = "BACKEND=embedded python -m scripts reproduce, or make offline-unpack DIR=…"
    return ServerError(f"{image} could not be fetched: {why}", hint=hint)
