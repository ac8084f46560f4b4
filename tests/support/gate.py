"""A provider whose answers stop in the middle, until the test lets them go on."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from scripts.servers.chat_provider import CHUNK_BYTES, Handler

LIMIT_S = 60  # after which an answer goes on by itself, so that no test hangs
POLL_S = 0.05


class Gate(ThreadingHTTPServer):
    """The local upstream, over real HTTP; a thread for each answer."""

    request_queue_size = 512  # as many at once as a test may want

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HeldHandler)
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self.waiting = 0
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes the app ask here."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {"GEMINI_BASE_URL": f"{url}/gemini", "DEEPSEEK_BASE_URL": f"{url}/deepseek"}

    def close(self) -> None:
        """Be as at the start: closed, and nobody has come."""
        self._opened.clear()
        self.came = 0  # answers that got to the gate so far
        self.left = 0
        self.pause_s = 0.0  # after every few bytes

    def open(self) -> None:
        """Let every answer go on, those to come as well."""
        self._opened.set()

    def hold(self, connection: socket.socket) -> None:
        """Wait until the gate is opened, or the app closes the connection: `left` counts those."""
        with self._lock:
            self.came += 1
            self.waiting += 1
        for _ in range(int(LIMIT_S / POLL_S)):
            if self._opened.wait(POLL_S):
                break
            readable, _, _ = select.select([connection], [], [], 0)
            if readable and connection.recv(1, socket.MSG_PEEK) == b"":
                with self._lock:
                    self.left += 1
                break
        with self._lock:
            self.waiting -= 1


class HeldHandler(Handler):
    """Sends the first half of an answer, waits at the gate, and sends the rest."""

    server: Gate

    def _send(self, stream: bytes) -> None:
        half = len(stream) // 2
        self._send_slowly(stream[:half])
        self.server.hold(self.connection)
        self._send_slowly(stream[half:])

    def _send_slowly(self, stream: bytes) -> None:
        for start in range(0, len(stream), CHUNK_BYTES):
            super()._send(stream[start : start + CHUNK_BYTES])
            time.sleep(self.server.pause_s)


@contextmanager
def gated() -> Iterator[Gate]:
    """A gate that is closed, listening inside the block."""
    with Gate() as gate:
        thread = threading.Thread(target=gate.serve_forever, args=(POLL_S,))
        thread.start()
        try:
            yield gate
        finally:
            gate.open()
            gate.shutdown()
            thread.join()
