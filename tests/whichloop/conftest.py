"""Shared by whichloop's tests: real servers, and runs of pytest in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import servers
from xdist.scheduler import LoadScopeScheduling

from tests.support.commands import NOT_LOADED

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
pytest_plugins = ["pytester"]

STARTERS = {"postgres": servers.databases, "mongo": servers.databases, "redis": servers.redis}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests share what takes long to make, so one worker has them; so do the tests of one
    suite of the zoo. (Groups by mark do nothing: pytest 9.2 with pytest-xdist 3.8.)"""

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            suite = re.search(r"test_zoo.py::.*(\d\d_\w+)\]$", nodeid)
            return suite.group(1) if suite else nodeid.partition("::")[0]

    return Together(config, log)


@dataclass
class Servers:
    """Starts each server once, when it is first needed."""

    stack: ExitStack
    urls: dict[str, str] = field(default_factory=dict)
    started: set[Any] = field(default_factory=set)

    def need(self, *names: str) -> dict[str, str]:
        for start in dict.fromkeys(STARTERS[name] for name in names):
            if start not in self.started:
                self.started.add(start)
                self.urls.update(self.stack.enter_context(start()))
        return self.urls


@pytest.fixture(scope="session")
def running_servers():
    with ExitStack() as stack:
        yield Servers(stack)


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
    record: dict | None
    log: dict

    @property
    def failed(self) -> set[str]:
        return {node for node, outcome in self.outcomes.items() if outcome in ("FAILED", "ERROR")}

    @property
    def findings(self) -> list[dict]:
        return (self.record or {}).get("findings", [])


_LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL) (\S+?)(?: - .*)?$", re.M)


def run_pytest(folder: Path, *args: str, env: dict[str, str] | None = None, record=True) -> Run:
    """Run pytest in ``folder``; the recording is read back if the plugin is on."""
    path = folder.parent / f"{folder.name}-recording.json"
    log = path.with_suffix(".log")
    for old in (path, log):
        old.unlink(missing_ok=True)
    if record and "--whichloop=off" not in args:
        args = (*args, f"--whichloop-record={path}")
    env = {"OUTCOME_LOG": str(log), **(env or {})}
    # Beside what a test puts on the path: a suite must be able to bring packages of its own.
    env["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [env.get("PYTHONPATH")])])
    own = ("-p", "outcome_log", *NOT_LOADED)
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COLUMNS"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *own, *args],
        cwd=folder,
        # Byte code is written: without it each of these many short runs takes twice as long.
        env={**variables, "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    out = done.stdout + done.stderr
    outcomes: dict[str, str] = {}
    for outcome, node in _LINE.findall(out):
        if outcomes.get(node) not in ("FAILED", "ERROR"):
            outcomes[node] = outcome
    data = json.loads(path.read_text()) if path.exists() else None
    logged = json.loads(log.read_text()) if log.exists() else {}
    return Run(done.returncode, out, outcomes, data, logged)
