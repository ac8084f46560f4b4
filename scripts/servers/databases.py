"""The databases of one side: made, emptied, counted and dropped with synchronous drivers.

The app's own engine and clients are never used for this: cleaning must not depend on any event
loop. A lock timeout turns a transaction that somebody left open into an error instead of a hang.
"""

from __future__ import annotations

import re
from typing import Any, LiteralString
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pymongo
import sqlalchemy
from psycopg import sql

from scripts.servers.ask import OWN_NAME
from scripts.servers.model import Server, Servers
from shared_app.conversations.models import Base

LOCK_LIMIT = "-c lock_timeout=5s -c statement_timeout=20s"


class PostgresDatabase:
    """A Postgres database of one side, with the app's tables, and a connection to empty it."""

    def __init__(self, server: Server, name: str, side: str) -> None:
        self.name = name
        self.url = with_path(server.url, name)
        with admin(server) as connection:
            database = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
            # Every connection that names itself nothing is counted under the side's name.
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET application_name = {}").format(
                    database, sql.Literal(side)
                )
            )
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self.url, application_name=OWN_NAME),
            poolclass=sqlalchemy.NullPool,
        )
        Base.metadata.create_all(engine)
        self._connection = psycopg.connect(
            self.url, application_name=OWN_NAME, options=LOCK_LIMIT, autocommit=True
        )
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

    def close(self) -> None:
        """Close the connection that empties it."""
        self._connection.close()


class MongoDatabase:
    """A MongoDB database of one side, and a client to empty it."""

    def __init__(self, server: Server, name: str, side: str) -> None:
        self.name = name
        self.side = side
        self.url = with_path(server.url, name, appName=side)
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            server.url, appname=OWN_NAME, serverSelectionTimeoutMS=5000
        )

    def empty(self) -> None:
        """Remove every document and keep the indexes: the app makes those once."""
        database = self._client[self.name]
        for collection in database.list_collection_names():
            database[collection].delete_many({})

    def connections(self) -> int:
        """How many connections name themselves after the side, idle and watching ones included."""
        current = self._client.admin.command({"currentOp": True, "$all": True})["inprog"]
        names = (each.get("clientMetadata", {}).get("application", {}) for each in current)
        return sum(name.get("name") == self.side for name in names)

    def close(self) -> None:
        """Close the client that empties it."""
        self._client.close()


def drop_databases(servers: Servers) -> None:
    """Drop every database of this command, recognised by its token."""
    prefix = f"wrongloop_{servers.token}_"
    if servers.postgres is not None:
        with admin(servers.postgres) as connection:
            rows = connection.execute("SELECT datname FROM pg_database").fetchall()
            for (name,) in rows:
                if str(name).startswith(prefix):
                    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                    connection.execute(drop.format(sql.Identifier(str(name))))
    if servers.mongodb is not None:
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(servers.mongodb.url, appname=OWN_NAME) as client:
            for name in client.list_database_names():
                if name.startswith(prefix):
                    client.drop_database(name)


def database_name(servers: Servers, side: str) -> str:
    """A name for a side's databases that says which command made them.

    Of a long side the end is kept, which tells processes apart: a name holds 63 bytes.
    """
    prefix = f"wrongloop_{servers.token}_"
    return prefix + re.sub(r"[^a-z0-9]+", "_", side.lower())[len(prefix) - 63 :]


def admin(server: Server) -> psycopg.Connection[Any]:
    """A connection to the server's maintenance database."""
    return psycopg.connect(
        server.url, application_name=OWN_NAME, options=LOCK_LIMIT, autocommit=True
    )


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
