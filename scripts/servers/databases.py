"""The databases of one side on the servers of its command: made, emptied, counted.

Synchronous drivers do it, never the app's own engine and clients: cleaning must not depend on any
event loop. For a side's pytest (`suite/servers.py` calls `prepare`) and for `make serve`, which
then have the app's environment set to these databases.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, LiteralString
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pymongo
import pytest
import sqlalchemy
import sqlalchemy.exc
from psycopg import sql
from pymongo.errors import PyMongoError

from scripts.errors import ServerError
from scripts.servers.ask import OWN_NAME, connection, database_prefix
from scripts.servers.model import Server, Servers, first_line
from shared_app.conversations.models import Base

DRIVER_ERRORS = (psycopg.OperationalError, sqlalchemy.exc.DBAPIError, PyMongoError)


class PostgresDatabase:
    """A Postgres database of one side, with the app's tables, and a connection to empty it."""

    def __init__(self, server: Server, name: str, side: str) -> None:
        self.name = name
        self.url = with_path(server.url, name)
        with connection(server.url) as admin:
            database = sql.Identifier(name)
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
            # Every connection that names itself nothing is counted under the side's name.
            rename = sql.SQL("ALTER DATABASE {} SET application_name = {}")
            admin.execute(rename.format(database, sql.Literal(side)))
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self.url, application_name=OWN_NAME),
            poolclass=sqlalchemy.NullPool,
        )
        Base.metadata.create_all(engine)
        self._connection = connection(self.url)
        self.close = self._connection.close
        self._tables = [table.name for table in reversed(Base.metadata.sorted_tables)]

    def empty(self) -> None:
        """Remove every row. DELETE rather than TRUNCATE: it waits for no reader."""
        with self._connection.transaction():
            for table in self._tables:
                self._connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def ask(self, query: LiteralString, *parameters: object) -> Any:
        """The first value that a query gives, on the connection that empties."""
        row = self._connection.execute(query, parameters).fetchone()
        return row[0] if row else None


class MongoDatabase:
    """A MongoDB database of one side, and a client to empty it."""

    def __init__(self, server: Server, name: str, side: str) -> None:
        self.name = name
        self.side = side
        self.url = with_path(server.url, name, appName=side)
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            server.url, appname=OWN_NAME, serverSelectionTimeoutMS=5000
        )
        self.close = self._client.close

    def empty(self) -> None:
        """Remove every document; the collections stay."""
        database = self._client[self.name]
        for collection in database.list_collection_names():
            database[collection].delete_many({})

    def connections(self) -> int:
        """How many connections name themselves after the side, idle and watching ones included."""
        current = self._client.admin.command({"currentOp": True, "$all": True})["inprog"]
        names = (each.get("clientMetadata", {}).get("application", {}) for each in current)
        return sum(name.get("name") == self.side for name in names)


def database_name(servers: Servers, side: str) -> str:
    """A name for a side's databases that says which command made them. Of a long side the end is
    kept, which tells processes apart: a name holds 63 bytes."""
    prefix = database_prefix(servers.token)
    return prefix + re.sub(r"[^a-z0-9]+", "_", side.lower())[len(prefix) - 63 :]


def with_path(url: str, database: str, **options: str) -> str:
    """`url` naming `database`, with `options` in its query in place of those it had.

    A MongoDB URL with a user and no `authSource` gets the one it had: the database that its path
    named, or admin.
    """
    parts = urlsplit(url)
    query = [
        option
        for option in parts.query.split("&")
        if option and option.partition("=")[0].lower() not in map(str.lower, options)
    ]
    is_mongodb = parts.scheme in ("mongodb", "mongodb+srv")
    if is_mongodb and parts.username and "authsource=" not in parts.query.lower():
        query.append(f"authSource={parts.path.lstrip('/') or 'admin'}")
    query += [f"{name}={quote(value)}" for name, value in options.items()]
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", "&".join(query), ""))


@dataclass
class Databases:
    """This side's databases on the servers; None where the server is missing. `unusable` says which
    server did not answer: nobody need wait for it twice."""

    servers: Servers
    mongo: MongoDatabase | None
    postgres: PostgresDatabase | None
    unusable: dict[str, str] = field(default_factory=dict)

    def empty(self, group: str) -> None:
        """Empty the database of this group. Raises ConnectionError if there is none."""
        name = {"mongo": "mongodb", "postgres": "postgres"}[group]
        database = self.mongo if group == "mongo" else self.postgres
        if database is None:
            self.unusable[name] = f"no {name}: {self.servers.missing[name]}"
        elif name not in self.unusable:
            try:
                database.empty()
            except DRIVER_ERRORS as error:
                self.unusable[name] = cannot_be_used(name, error)
        if name in self.unusable:
            raise ConnectionError(self.unusable[name])


# Where a side's pytest keeps them: the plugin of the suite puts them there, the recorder counts.
DATABASES = pytest.StashKey[Databases]()


def prepare(servers: Servers, side: str, stack: ExitStack) -> Databases:
    """This side's databases, their URLs in the environment; what closes them is on `stack`."""
    name = database_name(servers, side)
    mongo = postgres = None
    if servers.mongodb is not None:
        mongo = MongoDatabase(servers.mongodb, name, side)
        stack.callback(mongo.close)
        os.environ["MONGO_URL"] = mongo.url
    if servers.postgres is not None:
        try:
            postgres = PostgresDatabase(servers.postgres, name, side)
        except DRIVER_ERRORS as error:
            raise ServerError(cannot_be_used("postgres", error)) from None
        stack.callback(postgres.close)
        os.environ["DATABASE_URL"] = postgres.url
    for provider in ("gemini", "deepseek"):
        os.environ[f"{provider.upper()}_BASE_URL"] = f"{servers.upstream}/{provider}"
        os.environ[f"{provider.upper()}_API_KEY"] = "a-key-for-the-local-upstream"
    return Databases(servers, mongo, postgres)


def cannot_be_used(name: str, error: Exception) -> str:
    """What a driver says of a server that is gone, or locked, in one line."""
    return f"{name} cannot be used: {first_line(error)[:120]}"
