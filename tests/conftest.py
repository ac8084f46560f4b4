"""One set of servers for the whole session (one a worker under pytest-xdist), and places to be."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.servers.client import Guardian, running
from scripts.servers.databases import Databases
from tests.faults.seen import pytest_addoption, pytest_configure, seen
from tests.support.app import served
from tests.support.checkouts import UNUSUAL, Checkout
from tests.support.commands import temporary_folder

__all__ = ["pytest_addoption", "pytest_configure", "seen"]  # hooks and a fixture for two folders

# The files that take longest, first: at the end nobody waits for one of them alone.
LONGEST = ("test_sides.py", "test_reproduce.py", "test_bare_pytest.py", "test_streams.py")
LONGEST += ("test_bad_input.py", "test_soak.py", "test_restart.py", "test_app_schema.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; pytest-xdist keeps the order (`--no-loadscope-reorder`)."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def guardian() -> Iterator[Guardian]:
    """The embedded servers, for tests that need some and do not end them."""
    with running("embedded") as guardian:
        yield guardian


@pytest.fixture(scope="session")
def given_servers(guardian: Guardian) -> dict[str, str]:
    """The environment that hands those servers to a pytest of a side."""
    return {"WRONGLOOP_SERVERS": guardian.servers.to_json()}


@pytest.fixture(scope="session")
def running_app(
    guardian: Guardian, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, Databases]]:
    """The app under uvicorn, for the whole session."""
    with served(guardian.servers, tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture
def client(running_app: tuple[httpx.Client, Databases]) -> httpx.Client:
    """A client of the app, whatever is stored."""
    return running_app[0]


@pytest.fixture
def app(running_app: tuple[httpx.Client, Databases]) -> httpx.Client:
    """A client of the app, whose databases are empty."""
    client, databases = running_app
    databases.empty("mongo")
    databases.empty("postgres")
    return client


@pytest.fixture(scope="session")
def external(guardian: Guardian) -> dict[str, str]:
    """The environment in which those servers are somebody else's."""
    servers = guardian.servers
    urls = {"MONGO_URL": servers.mongodb.url, "DATABASE_URL": servers.postgres.url}
    return {"BACKEND": "external"} | urls


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A TMPDIR for one command. What still runs from it after the test is killed."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture
def places(temporary: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a command that writes nowhere else."""
    return {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout that the test may change."""
    return Checkout(tmp_path / UNUSUAL)
