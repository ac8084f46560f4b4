"""The testcontainers backend: the official images, one container a server."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from scripts.errors import ServerError
from scripts.servers import engine
from scripts.servers.ask import describe_mongodb, describe_postgres
from scripts.servers.images import images
from scripts.servers.model import Server, Servers
from scripts.servers.upstream import Upstream


def start_containers(token: str, folder: Path, stack: ExitStack) -> Servers:
    """Both containers, started at once. The command has seen to the engine and the images."""
    # Our own guardian removes the containers, so ryuk is a second pair of eyes: never a need.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    wanted = images()
    upstream = Upstream(folder, stack)
    with ThreadPoolExecutor(2) as pool:
        postgres = pool.submit(start_postgres, wanted["POSTGRES_IMAGE"], stack)
        mongodb = pool.submit(start_mongodb, wanted["MONGO_IMAGE"], stack)
        errors = [error for error in (postgres.exception(), mongodb.exception()) if error]
    if errors:
        raise ServerError(f"a container did not start: {engine.plain(errors[0])}")
    return Servers(
        backend="testcontainers",
        token=token,
        postgres=postgres.result(),
        mongodb=mongodb.result(),
        upstream=upstream.wait(),
        log_dir=str(folder),
    )


def start_postgres(image: str, stack: ExitStack) -> Server:
    """A Postgres container with a password of this run."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(
        image, username="postgres", password=secrets.token_hex(12), dbname="postgres", driver=None
    )
    stack.callback(container.stop)
    container.start()
    return describe_postgres(container.get_connection_url())


def start_mongodb(image: str, stack: ExitStack) -> Server:
    """A MongoDB container with a password of this run."""
    from testcontainers.community.mongodb import MongoDbContainer

    container = MongoDbContainer(image, username="mongo", password=secrets.token_hex(12))
    stack.callback(container.stop)
    container.start()
    return describe_mongodb(container.get_connection_url())
