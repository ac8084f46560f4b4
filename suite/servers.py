"""A pytest plugin with everything that belongs to no event loop: the servers and their URLs.

Every side loads it with `addopts = -p suite.servers`. The app reads its URLs when it is imported,
and conftests import the app, so the URLs are set in `pytest_load_initial_conftests`: a fixture
would be too late. Servers come from the command that started this process, or, under a bare
`pytest broken`, are started here and end with it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.servers.databases import DATABASES, Databases, prepare
from scripts.servers.model import SERVERS_VARIABLE, Servers

CHOICE = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Find or start the servers, make this side's databases, and set the app's URLs."""
    try:
        with ExitStack() as stack:
            servers = find_servers(early_config, stack)
            early_config.stash[DATABASES] = prepare(servers, side_name(early_config), stack)
            early_config.add_cleanup(stack.pop_all().close)
    except CommandError as error:
        hint = f"\nTry: {error.hint}" if error.hint else ""
        raise pytest.UsageError(f"{error}{hint}") from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Why these servers, if they were started here, and by what names they answered."""
    servers = config.stash[DATABASES].servers
    pair = " · ".join(str(server) for server in (servers.postgres, servers.mongodb) if server)
    return [config.stash.get(CHOICE, f"Servers: {servers.backend}, given"), f"         {pair}"]


def find_servers(config: pytest.Config, stack: ExitStack) -> Servers:
    """The servers of the command that started us; else our own, stopped by `stack`."""
    if given := os.environ.get(SERVERS_VARIABLE):
        return Servers.from_json(given)
    choice = choose(exhausting=exhausts_a_server(config))
    config.stash[CHOICE] = str(choice)
    servers = stack.enter_context(running(choice.backend, pair=choice.pair)).servers
    os.environ[SERVERS_VARIABLE] = servers.to_json()  # for the workers of pytest-xdist
    stack.callback(os.environ.pop, SERVERS_VARIABLE, None)
    return servers


def exhausts_a_server(config: pytest.Config) -> bool:
    """Does the side's manifest say that nothing else may run on its servers?"""
    manifest = config.rootpath / "remedy.toml"
    return manifest.exists() and "\nalone = true" in manifest.read_text("utf-8")


def side_name(config: pytest.Config) -> str:
    """ "broken", "fixed/03_…", with the worker's name under pytest-xdist and our process id."""
    folder = config.rootpath.relative_to(Path(__file__).resolve().parent.parent)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return "-".join(part for part in (folder.as_posix(), worker, str(os.getpid())) if part)


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Databases:
    return pytestconfig.stash[DATABASES]


@pytest.fixture(autouse=True)
def empty_databases(request: pytest.FixtureRequest, databases: Databases) -> None:
    """Every test starts from an empty database of its group ("mongo", "postgres", "control")."""
    if request.module.GROUP != "control":
        databases.empty(request.module.GROUP)
