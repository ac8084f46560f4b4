"""A pytest plugin with everything that belongs to no event loop: the servers and their URLs.

Every side loads it with `addopts = -p suite.servers`. The app reads its URLs when it is imported,
and conftests import the app, so the URLs are set in `pytest_load_initial_conftests`: a fixture
would be too late. Servers come from the command that started this process, or, under a bare
`pytest broken`, are started here and end with it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc
from pymongo.errors import PyMongoError

from scripts.errors import CommandError, ServerError
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.servers.databases import MongoDatabase, PostgresDatabase, database_name
from scripts.servers.model import SERVERS_VARIABLE, Servers


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


DATABASES = pytest.StashKey[Databases]()
CHOICE = pytest.StashKey[str]()
DRIVER_ERRORS = (psycopg.OperationalError, sqlalchemy.exc.DBAPIError, PyMongoError)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Find or start the servers, make this side's databases, and set the app's URLs."""
    stack = ExitStack()
    try:
        servers = find_servers(early_config, stack)
        early_config.stash[DATABASES] = prepare(servers, side_name(early_config), stack)
    except CommandError as error:
        stack.close()
        hint = f"\nTry: {error.hint}" if error.hint else ""
        raise pytest.UsageError(f"{error}{hint}") from None
    early_config.add_cleanup(stack.close)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Why these servers, if they were started here, and by what names they answered."""
    servers = config.stash[DATABASES].servers
    pair = " · ".join(str(server) for server in (servers.postgres, servers.mongodb) if server)
    return [config.stash.get(CHOICE, f"Servers: {servers.backend}, given"), f"         {pair}"]


def find_servers(config: pytest.Config, stack: ExitStack) -> Servers:
    """The servers of the command that started us; else our own, stopped by `stack`."""
    given = os.environ.get(SERVERS_VARIABLE)
    if given:
        return Servers.from_json(given)
    choice = choose()
    config.stash[CHOICE] = str(choice)
    servers = stack.enter_context(running(choice.backend)).servers
    os.environ[SERVERS_VARIABLE] = servers.to_json()  # for the workers of pytest-xdist
    stack.callback(os.environ.pop, SERVERS_VARIABLE, None)
    return servers


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


def side_name(config: pytest.Config) -> str:
    """ "broken", "fixed/03_…", with the worker's name under pytest-xdist and our process id."""
    folder = config.rootpath.relative_to(Path(__file__).resolve().parent.parent)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return "-".join(part for part in (folder.as_posix(), worker, str(os.getpid())) if part)


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Databases:
    """This side's databases."""
    return pytestconfig.stash[DATABASES]


@pytest.fixture(autouse=True)
def empty_databases(request: pytest.FixtureRequest, databases: Databases) -> None:
    """Every test starts from an empty database of its group ("mongo", "postgres", "control")."""
    if request.module.GROUP != "control":
        databases.empty(request.module.GROUP)
