"""The commands of those who work on this repository: tests, check, format, pins."""

import os
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
# Each tool's program, and what it gets where the user gives it nothing else to do.
TOOLS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "test": (["pytest"], PARALLEL),
    "test-long": (["pytest", "tests/long"], APART),
    "test-whichloop": (["pytest", "tests/whichloop"], PARALLEL),
    "faults": (["pytest", "tests/faults"], APART),
    "test-foreign": (["python", "tests/whichloop/foreign.py"], ()),
    "bench-whichloop": (["python", "bench/whichloop_bench.py"], ()),
    "test-docker": (["pytest", "tests/docker"], APART),
    "test-pages": (["pytest", "tests/pages"], ()),
}
# What is formatted and linted: everything. What is held to strict types: see pyproject.toml.
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "types": ("mypy", "--no-error-summary"),
    "tests": ("pytest", "-q", *PARALLEL),
}
# The option of faults and test-docker that draws their tables anew, and pytest's name for it.
WRITE, PYTEST_WRITE = "--write", "--write-faults"


def call(program: str, *arguments: str) -> int:
    """Run a program of the virtual environment in the checkout; its exit code."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def run_tool(name: str, arguments: list[str]) -> int:
    """Run one of TOOLS with these arguments: 0 if it succeeds, else 1."""
    servers = {"redis-server": "redis-server", "mariadbd": "mariadb-server-core"}
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"  # Debian's place for mariadbd
    for server in servers if name == "test-whichloop" else ():
        if shutil.which(server, path=path) is None:
            raise CommandError(
                f"whichloop's tests run against a real {server}, and there is none on PATH",
                hint=f"apt-get install {servers[server]}",
            )
    command, default = TOOLS[name]
    write = [PYTEST_WRITE] if WRITE in arguments else []
    chosen = [argument for argument in arguments if argument != WRITE] or default
    return 1 if call(*command, *chosen, *write) else 0


def check() -> int:
    """Every check, the first that fails ends it."""
    for name, command in CHECKS.items():
        terminal.line(f"check: {name}")
        if call(*command) != 0:
            terminal.error(f"{name} failed", "python -m scripts format" if name == "format" else "")
            return 1
    return 0


def format_code() -> int:
    """Format, and mend what the linter can mend."""
    return call("ruff", "check", "--fix", "--quiet", ".") or call("ruff", "format", ".")


def audit() -> int:
    """Ask PyPI whether a pin has a known vulnerability; `--strict`: a pin without an answer, too,
    is a failure. A file at a time, since two may pin a package differently."""
    options = ("--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off")
    files = sorted((ROOT / "requirements").glob("*.txt"))
    return max(call("pip-audit", *options, "-r", str(path)) for path in files)


def pins() -> int:
    """Compile the requirements. No option names an index, so no file does."""
    for path in sorted((ROOT / "requirements").rglob("*.in")):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        command = ["uv", "pip", "compile", "--quiet", "--upgrade", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-header"]
        command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        if call(*command, f"{name}.in", "-o", f"{name}.txt") != 0:
            return 1
    return 0
