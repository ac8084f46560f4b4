"""The databases of one side on the servers of its command, and the app's environment set to them.

For a side's pytest (`suite/servers.py` calls `prepare`) and for `make serve`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy.exc
from pymongo.errors import PyMongoError

from scripts.errors import ServerError
from scripts.servers.databases import MongoDatabase, PostgresDatabase, database_name
from scripts.servers.model import Servers

DRIVER_ERRORS = (psycopg.OperationalError, sqlalchemy.exc.DBAPIError, PyMongoError)


@dataclass
class Databases:
    """This side's databases on the servers; None where the server is missing.

    `unusable` keeps what was found out of a server that does not answer: nobody need wait for it
    twice.
    """

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
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{name} cannot be used: {said[:120]}"
