"""The commands of those who work on this repository: test, check, format, pins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.views import terminal

# The tests mostly wait for servers and other processes: several workers, each with servers of its
# own. A file's tests share what took long to make; where they mostly do not, each goes its own way.
PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
APART = ("-n", "3", "--dist", "load")
# What is formatted and linted: everything. What is held to strict types: see pyproject.toml.
CHECKS = (
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "."]),
    ("types", ["mypy", "--no-error-summary"]),
    ("tests", ["pytest", "-q", *PARALLEL]),
)


def tool(name: str) -> str:
    """The program of that name in the virtual environment."""
    return str(Path(sys.executable).with_name(name))


def call(command: list[str]) -> int:
    """Run a tool of the virtual environment in the checkout; its exit code."""
    return subprocess.run([tool(command[0]), *command[1:]], cwd=ROOT, check=False).returncode


def test(arguments: list[str]) -> int:
    """The project's own tests, or those that the arguments choose: 0 if they passed, else 1."""
    return 1 if call(["pytest", *(arguments or PARALLEL)]) else 0


def test_long(arguments: list[str]) -> int:
    """The tests that take minutes: READMEs on other options and versions, generated requests."""
    return 1 if call(["pytest", "tests/long", *(arguments or APART)]) else 0


def test_whichloop(arguments: list[str]) -> int:
    """whichloop's own tests and its zoo, which need a `redis-server` on PATH: 0 or 1."""
    if shutil.which("redis-server") is None:
        raise CommandError(
            "whichloop's tests run against a real Redis, and no redis-server is on PATH",
            hint="apt-get install redis-server, or brew install redis",
        )
    return 1 if call(["pytest", "tests/whichloop", *(arguments or PARALLEL)]) else 0


def faults(arguments: list[str], write: bool) -> int:
    """The tests of docs/faults.md, or with `write` that page anew from them: 0 or 1."""
    chosen = [*(arguments or APART), *(["--write-faults"] if write else [])]
    return 1 if call(["pytest", "tests/faults", *chosen]) else 0


def test_foreign(names: list[str]) -> int:
    """Other people's suites, with and without whichloop: 0 if it made no difference, else 1."""
    return 1 if call(["python", "tests/whichloop/foreign.py", *names]) else 0


def bench_whichloop(arguments: list[str]) -> int:
    """What whichloop costs in time and keeps in memory: 0 within its limits, else 1."""
    return 1 if call(["python", "bench/whichloop_bench.py", *arguments]) else 0


def test_docker(arguments: list[str], write: bool) -> int:
    """The tests of the backends of containers, which need an engine and both images: 0 or 1.

    With `write` their table in docs/faults.md is drawn anew.
    """
    chosen = [*(arguments or APART), *(["--write-faults"] if write else [])]
    return 1 if call(["pytest", "tests/docker", *chosen]) else 0


def check() -> int:
    """Every check, the first that fails ends it."""
    for name, command in CHECKS:
        terminal.say(f"check: {name}")
        if call(command) != 0:
            terminal.error(f"{name} failed", "python -m scripts format" if name == "format" else "")
            return 1
    return 0


def format_code() -> int:
    """Format, and mend what the linter can mend."""
    return call(["ruff", "check", "--fix", "--quiet", "."]) or call(["ruff", "format", "."])


def pins() -> int:
    """Compile the requirements. No option names an index, so no file does."""
    for path in sorted((ROOT / "requirements").rglob("*.in")):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        command = ["uv", "pip", "compile", "--quiet", "--upgrade", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-header"]
        command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += [f"{name}.in", "-o", f"{name}.txt"]
        if call(command) != 0:
            return 1
    return 0
