#!/usr/bin/python3
"""The entry point of CI's stand-in for testcontainers' reaper, ryuk: what it does, in short.

One client connects and sends `label=…`; when that connection ends, and nobody has come back within
RYUK_RECONNECTION_TIMEOUT, the containers with the label are removed through the engine's socket.
"""

import http.client
import json
import os
import socket
import time
from urllib.parse import quote


class Engine(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def connect(self) -> None:
        """Instead of a connection to a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


def ask(method: str, path: str) -> bytes:
    """One request to the engine."""
    engine = Engine("localhost")
    engine.request(method, path)
    return engine.getresponse().read()


def main() -> None:
    """Serve one client, then clear up after it."""
    with socket.create_server(("", 8080)) as server:
        print("Started!", flush=True)
        line, _ = server.accept()
    name, _, label = line.makefile().readline().strip().partition("=")
    line.sendall(b"ACK\n")
    while line.recv(1024):
        pass
    time.sleep(float(os.environ.get("RYUK_RECONNECTION_TIMEOUT", "10s").rstrip("s")))
    wanted = quote(json.dumps({name: [label]}))
    for container in json.loads(ask("GET", f"/containers/json?all=1&filters={wanted}")):
        ask("DELETE", f"/containers/{container['Id']}?force=1&v=1")


main()
