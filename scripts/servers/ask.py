"""Ask a server what it is. A server that answers here is ready: ports alone prove nothing."""

from __future__ import annotations

import psycopg
import pymongo
from pymongo.errors import PyMongoError

from scripts.servers.model import Server

# How our own synchronous connections name themselves, so that counting can leave them out.
OWN_NAME = "wrongloop itself"


def ask_postgres(url: str, *, timeout_s: int = 2) -> Server | None:
    """The Postgres at `url`, or None while it does not answer."""
    try:
        return describe_postgres(url, timeout_s=timeout_s)
    except psycopg.OperationalError:
        return None


def describe_postgres(url: str, *, timeout_s: int = 5) -> Server:
    """The Postgres at `url`. Raises psycopg.OperationalError if it does not answer."""
    with psycopg.connect(url, connect_timeout=timeout_s, application_name=OWN_NAME) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    return Server(url, "PostgreSQL", str(row[0]).split()[0])


def ask_mongodb(url: str, *, timeout_s: int = 2) -> Server | None:
    """The server behind the MongoDB URL, or None while it does not answer."""
    try:
        return describe_mongodb(url, timeout_s=timeout_s)
    except PyMongoError:
        return None


def describe_mongodb(url: str, *, timeout_s: int = 5) -> Server:
    """The server behind the MongoDB URL, by the name it gives itself.

    SecantusDB answers `buildInfo` like MongoDB but adds a version of its own: then that is what
    answered. Raises pymongo's errors if nothing does.
    """
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
        url, serverSelectionTimeoutMS=timeout_s * 1000, appname=OWN_NAME
    )
    with client:
        info = client.server_info()
    if "secantusVersion" in info:
        return Server(
            url, "SecantusDB", f"{info['secantusVersion']} (answers as MongoDB {info['version']})"
        )
    return Server(url, "MongoDB", str(info["version"]))
