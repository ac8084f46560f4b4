"""What we ask the servers ourselves, with synchronous drivers: what are you, do you still answer?

A server that answers here is ready: ports alone prove nothing. A frozen one refuses nothing, so
somebody must ask.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pymongo
from psycopg import sql
from pymongo.errors import PyMongoError

from scripts.servers import engine
from scripts.servers.model import Server, Servers, first_line
from scripts.servers.process import last_lines

# How our own synchronous connections name themselves, so that counting can leave them out.
OWN_NAME = "wrongloop itself"
# A lock timeout turns a transaction that somebody left open into an error instead of a hang.
LOCK_LIMIT = "-c lock_timeout=5s -c statement_timeout=20s"
# What is raised where no server answers.
NO_ANSWER = (psycopg.OperationalError, PyMongoError)
# While a server starts it is asked again and again, and this long each time.
START_ANSWER_S = 2
# A healthy server under a heavy load answers within this; so a frozen one is noticed after it.
ANSWER_LIMIT_S = 10
# Postgres answers with this even when it refuses ("too many clients already"): it is alive.
REFUSAL = "FATAL:"
LOG_LINES = 3


def describe_postgres(url: str, *, timeout_s: int = 5) -> Server:
    """The Postgres at `url`. Raises psycopg.OperationalError if it does not answer."""
    with psycopg.connect(url, connect_timeout=timeout_s, application_name=OWN_NAME) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    return Server(url, "PostgreSQL", str(row[0]).split()[0])


def describe_mongodb(url: str, *, timeout_s: int = 5) -> Server:
    """The server behind the MongoDB URL. Raises pymongo's errors if nothing answers.

    SecantusDB answers `buildInfo` like MongoDB, but adds a version of its own.
    """
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        url, serverSelectionTimeoutMS=timeout_s * 1000, appname=OWN_NAME
    )
    with client:
        info = client.server_info()
    if "secantusVersion" in info:
        version = f"{info['secantusVersion']} (answers as MongoDB {info['version']})"
        return Server(url, "SecantusDB", version)
    return Server(url, "MongoDB", str(info["version"]))


DESCRIBE = {"postgres": describe_postgres, "mongodb": describe_mongodb}


def trouble(servers: Servers) -> str:
    """Which server does not answer, with the end of its log; "" if all do that were there at the
    start. Both are asked at once."""
    with ThreadPoolExecutor(len(DESCRIBE)) as pool:
        sentences = pool.map(lambda name: trouble_of(servers, name), DESCRIBE)
        return "; ".join(sentence for sentence in sentences if sentence)


def trouble_of(servers: Servers, name: str) -> str:
    """ "postgres (PostgreSQL 18.4) no longer answers: …; its log ends: …", or ""."""
    server: Server | None = getattr(servers, name)
    if server is None:
        return ""
    try:
        DESCRIBE[name](server.url, timeout_s=ANSWER_LIMIT_S)
    except NO_ANSWER as error:
        if REFUSAL in str(error):
            return ""
        text = f"{name} ({server}) no longer answers: {first_line(error)[:160]}"
        log = Path(servers.log_dir, f"{name}.log")
        words = engine.last_lines(server.container, LOG_LINES) if server.container else ""
        if log.is_file():
            words = last_lines(log, LOG_LINES)
        return f"{text}; its log ends: {words}" if words else text
    return ""


def connection(url: str) -> psycopg.Connection[Any]:
    """A connection of our own to a Postgres, by which databases are made, emptied and dropped."""
    return psycopg.connect(url, application_name=OWN_NAME, options=LOCK_LIMIT, autocommit=True)


def database_prefix(token: str) -> str:
    """What the names of a command's databases begin with."""
    return f"wrongloop_{token}_"


def drop_databases(token: str, postgres: Server | None, mongodb: Server | None) -> None:
    """Drop every database of this command, recognised by its token."""
    prefix = database_prefix(token)
    if postgres is not None:
        with connection(postgres.url) as admin:
            rows = admin.execute("SELECT datname FROM pg_database").fetchall()
            for name in (str(row[0]) for row in rows):
                if name.startswith(prefix):
                    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                    admin.execute(drop.format(sql.Identifier(name)))
    if mongodb is not None:
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(mongodb.url, appname=OWN_NAME) as client:
            for name in client.list_database_names():
                if name.startswith(prefix):
                    client.drop_database(name)
