"""A checkout that the tests here change and restore, other versions beside it, and databases."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from scripts.run.environment import plugins_not_in
from scripts.run.model import Record
from scripts.servers.client import Guardian
from scripts.servers.databases import Databases, prepare
from tests.support import environments
from tests.support.app import restore
from tests.support.checkouts import Checkout
from tests.support.commands import environment, run

Recorded = Callable[..., tuple[Record, str]]


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout for all of the tests, one after the other."""
    return Checkout(tmp_path_factory.mktemp("copied") / "checkout")


@pytest.fixture(scope="session")
def beside(copied: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The interpreter of an environment with other pins on top of the checkout's packages."""

    @cache
    def made(pins: str) -> str:
        if not pins:
            return copied.python
        folder = tmp_path_factory.mktemp("beside") / pins
        return environments.make(folder, copied.python, pins, below=copied.packages)

    return made


@pytest.fixture
def recorded(
    copied: Checkout, beside: Callable[[str], str], given_servers: dict[str, str], tmp_path: Path
) -> Recorded:
    """A function (pins, *arguments, **environ) that runs a side's tests in that checkout: what they
    recorded, and pytest's output."""

    def run_side(pins: str, *arguments: str, **environ: str) -> tuple[Record, str]:
        record = tmp_path / "record.json"
        command = [beside(pins), "-m", "pytest", "-p", "scripts.run.recorder", *arguments]
        for name in ("cacheprovider", "whichloop", *plugins_not_in("run.txt")):
            command += ["-p", f"no:{name}"]
        env = environment(WRONGLOOP_RECORD=str(record), **given_servers, **environ)
        done = run(command, cwd=copied.folder, env=env)
        assert record.is_file(), done.output
        return Record.model_validate_json(record.read_bytes()), done.out

    return run_side


@pytest.fixture
def databases(guardian: Guardian) -> Iterator[Databases]:
    """Databases of this test's own, which the environment names."""
    with ExitStack() as stack:
        stack.callback(restore, dict(os.environ))
        yield prepare(guardian.servers, f"long-{os.getpid()}-{time.monotonic_ns()}", stack)
