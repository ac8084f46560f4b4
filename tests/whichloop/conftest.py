"""Shared by whichloop's tests: real servers, and runs of pytest in processes of their own."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import servers
from xdist.scheduler import LoadScopeScheduling

from tests.support import commands

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ZOO = HERE.parent / "zoo"

STARTERS = {"postgres": servers.databases, "mongo": servers.databases}
STARTERS |= {"redis": servers.redis, "http": servers.http, "grpc": servers.grpc_echo}
STARTERS["mysql"] = servers.mysql
STARTERS |= {"smtp": servers.smtp, "websocket": servers.websocket, "ftp": servers.ftp}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests share what takes long to make, so one worker has them; so do the tests of one
    suite of the zoo. (Groups by mark do nothing: pytest 9.2 with pytest-xdist 3.8.)"""

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            suite = re.search(r"test_zoo.py::.*(\d\d_\w+)\]$", nodeid)
            return suite.group(1) if suite else nodeid.partition("::")[0]

    return Together(config, log)


@pytest.fixture(scope="session")
def urls_of():
    """A function (*names): the URLs of these servers; each is started when it is first needed."""
    with ExitStack() as stack:
        started = cache(lambda start: stack.enter_context(start()))

        def urls(*names: str) -> dict[str, str]:
            return {key: url for name in names for key, url in started(STARTERS[name]).items()}

        yield urls


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """whichloop's wheel, built from a copy of its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "whichloop", source, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("whichloop-*.whl")
    return wheel


@dataclass
class Run:
    """A finished pytest process. ``outcomes`` maps node ids to the worst outcome of a phase;
    ``log`` has every phase's outcome in order, and every warning (see ``outcome_log``)."""

    code: int
    out: str
    outcomes: dict[str, str]
    record: dict
    log: dict

    @property
    def failed(self) -> set[str]:
        return {node for node, outcome in self.outcomes.items() if outcome in ("FAILED", "ERROR")}

    @property
    def findings(self) -> list[dict]:
        return self.record.get("findings", [])


def ini(fixture: str = "session", test: str = "function") -> str:
    """A pytest.ini with these loop scopes."""
    scopes = {"fixture": fixture, "test": test}
    lines = [f"asyncio_default_{name}_loop_scope = {scope}\n" for name, scope in scopes.items()]
    return "[pytest]\nasyncio_mode = auto\n" + "".join(lines)


OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL) (\S+?)(?: - .*)?$", re.M)


def run_pytest(
    folder: Path, *args: str, env: dict[str, str] | None = None, python: str = sys.executable
) -> Run:
    """Run pytest in ``folder``; the recording is read back if the plugin is on."""
    path = folder.parent / f"{folder.name}-recording.json"
    log = path.with_suffix(".log")
    for old in (path, log):
        old.unlink(missing_ok=True)
    if "--whichloop=off" not in args:
        args = (f"--whichloop-record={path}", *args)
    own = commands.environment(COLUMNS="120", OUTCOME_LOG=str(log), **(env or {}))
    # Beside what a test puts on the path: a suite must be able to bring packages of its own.
    own["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [own.get("PYTHONPATH")])])
    command = [python, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-p", "outcome_log"]
    done = commands.run([*command, *commands.NOT_LOADED, *args], cwd=folder, env=own)
    outcomes: dict[str, str] = {}
    for outcome, node in OUTCOME.findall(done.output):
        if outcomes.get(node) not in ("FAILED", "ERROR"):
            outcomes[node] = outcome
    data = json.loads(path.read_text()) if path.exists() else {}
    logged = json.loads(log.read_text()) if log.exists() else {}
    return Run(done.code, done.output, outcomes, data, logged)


def run_suite(folder: Path, *args: str, env: dict[str, str] | None = None, **files: str) -> Run:
    """The same, of a suite that is written into the folder: `ini` is its pytest.ini."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / ("pytest.ini" if name == "ini" else f"{name}.py")).write_text(text)
    return run_pytest(folder, *args, env=env)


@pytest.fixture
def suite(tmp_path) -> Callable[..., Run]:
    """A function (*options, **files) that writes a suite and runs it. The files stay for the next
    run in the same test."""

    def run(*options: str, fixture="session", test="function", env=None, **files: str) -> Run:
        texts = {name: textwrap.dedent(text) for name, text in files.items()}
        texts = {"ini": ini(fixture, test)} | texts
        return run_suite(tmp_path / "suite", *options, env=env, **texts)

    return run
