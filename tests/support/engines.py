"""Unix sockets that behave as a Docker engine may: well, or not at all."""

import json
import socket
import socketserver
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

VERSION = "99.1.2"


@contextmanager
def hung() -> Iterator[str]:
    """An engine that takes connections and never answers; its DOCKER_HOST."""
    with place() as path, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(16)
        yield f"unix://{path}"


@contextmanager
def forbidden() -> Iterator[str]:
    """An engine whose socket is closed to us, which root never sees; its DOCKER_HOST."""
    with hung() as host:
        path = Path(host.removeprefix("unix://"))
        path.parent.chmod(0o755)
        path.chmod(0)
        yield host


@contextmanager
def answering(*images: str, clock_off_s: float = 0.0, part: str = "Engine") -> Iterator[str]:
    """An engine that has these images, and says what `engine.find` asks; its DOCKER_HOST."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            now = datetime.now(UTC) + timedelta(seconds=clock_off_s)
            name = unquote(self.path).partition("/images/")[2].removesuffix("/json")
            parts = [{"Name": part}]
            if self.path.endswith("/info"):
                about = {"ServerVersion": VERSION, "SystemTime": f"{now:%FT%T}.123456789Z"}
                self.answer(200, about)
            elif "/containers/json?" in self.path:
                self.answer(200, [])
            elif name in images:
                self.answer(200, {"Id": "sha256:1", "RepoTags": [name]})
            elif name:
                self.answer(404, {"message": f"No such image: {name}"})
            else:
                self.answer(200, {"Version": VERSION, "ApiVersion": "1.44", "Components": parts})

        def answer(self, code: int, body: object) -> None:
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def address_string(self) -> str:
            return "a unix socket"

        def log_message(self, *_: object) -> None:
            pass

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

    with place() as path, Server(str(path), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()


@contextmanager
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wl-", dir="/tmp") as folder:
        yield Path(folder) / "docker.sock"
