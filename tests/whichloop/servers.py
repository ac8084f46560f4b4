"""Real servers for the tests: the repository's embedded pair, a Redis, one of HTTP and one of gRPC;
loopback or socket only.

Each context manager yields URLs and stops what it started. What cannot be started raises: a missing
server is never a passing test.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from websockets.sync.server import ServerConnection, serve

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.servers.client import running
from scripts.servers.model import SERVERS_VARIABLE
from tests.support.commands import eventually


@contextlib.contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Yield the URLs of a PostgreSQL (without its scheme, which names a driver) and of a server
    that speaks MongoDB's protocol, and what a side of this repository needs to run on both."""
    with running("embedded") as guardian:
        servers = guardian.servers
        if servers.postgres is None or servers.mongodb is None:
            raise RuntimeError(f"not every server can be started: {servers.missing}")
        yield {
            "WL_POSTGRES": servers.postgres.url.partition(":")[2],
            "WL_MONGO": servers.mongodb.url,
            SERVERS_VARIABLE: servers.to_json(),
        }


@contextlib.contextmanager
def redis() -> Iterator[dict[str, str]]:
    """Yield the URL of a redis-server without persistence."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise RuntimeError("redis-server is not on PATH (Debian: apt-get install redis-server)")
    command = [binary, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with listening(command) as port:
        yield {"WL_REDIS": f"redis://127.0.0.1:{port}/0"}


@contextlib.contextmanager
def listening(command: list[str]) -> Iterator[int]:
    """Run a server that takes a ``--port`` and keeps nothing; yield the port once it listens."""
    port = free_port()
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not eventually(lambda: listens(port), 60):
            raise RuntimeError(f"{command[0]} did not listen within 60 s")
        yield port
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def mysql() -> Iterator[dict[str, str]]:
    """Yield the socket of a MariaDB on a new folder: user root, no password, a database zoo."""
    binary = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        raise RuntimeError("mariadbd is not there (Debian: apt-get install mariadb-server-core)")
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="wl-my-", ignore_cleanup_errors=True) as folder:
        socket_file, start = Path(folder) / "sock", Path(folder) / "start.sql"
        start.write_text("CREATE DATABASE zoo;")
        command = [binary, "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={folder}"]
        command += ["--skip-networking", f"--socket={socket_file}", f"--init-file={start}"]
        command += ["--skip-grant-tables", "--innodb-fast-shutdown=2"]
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            if not eventually(lambda: socket_file.exists() or process.poll() is not None, 60):
                raise RuntimeError("mariadbd did not listen within 60 s")
            if process.poll() is not None:
                raise RuntimeError(Path(folder, "log").read_text())
            yield {"WL_MYSQL_SOCKET": str(socket_file)}
        finally:
            process.kill()  # it keeps nothing
            process.wait()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


class Answer(BaseHTTPRequestHandler):
    """Says "ok", and keeps the connection open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def http() -> Iterator[dict[str, str]]:
    """Yield the URL of a server whose clients may keep their connections."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield {"WL_HTTP": f"http://127.0.0.1:{server.server_address[1]}/"}
        server.shutdown()


class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


@contextlib.contextmanager
def grpc_echo() -> Iterator[dict[str, str]]:
    """Yield the address of a gRPC server that echoes."""
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield {"WL_GRPC": f"127.0.0.1:{port}"}
    server.stop(None).wait()


@contextlib.contextmanager
def smtp() -> Iterator[dict[str, str]]:
    """Yield the port of a mail server that drops what it gets."""
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield {"WL_SMTP": str(controller.port)}
    controller.stop()


@contextlib.contextmanager
def websocket() -> Iterator[dict[str, str]]:
    """Yield the URL of a websocket server that echoes."""

    def echo(connection: ServerConnection) -> None:
        for text in connection:
            connection.send(text)

    with serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"WL_WEBSOCKET": f"ws://127.0.0.1:{server.socket.getsockname()[1]}"}
        server.shutdown()


@contextlib.contextmanager
def ftp() -> Iterator[dict[str, str]]:
    """Yield the port of an FTP server without files."""
    with listening([sys.executable, "-m", "aioftp", "--memory", "--host", "127.0.0.1"]) as port:
        yield {"WL_FTP": str(port)}
