"""`make serve`: the app under uvicorn, on the chosen servers, to be tried by hand."""

import os
import socket
from contextlib import ExitStack, suppress

import uvicorn

from scripts.errors import CommandError
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.servers.databases import prepare
from scripts.views import terminal
from scripts.views.run import print_servers


def serve(port: int) -> int:
    """Serve the app on 127.0.0.1:`port` until Ctrl-C. Raises CommandError if the port is taken."""
    choice = choose()
    with ExitStack() as stack:
        listener = stack.enter_context(bound(port))  # before any server starts
        terminal.status(str(choice))
        guardian = stack.enter_context(running(choice.backend, pair=choice.pair))
        print_servers(guardian.servers)
        own_keys = {name: value for name, value in os.environ.items() if name.endswith("_API_KEY")}
        prepare(guardian.servers, "serve", stack)
        for name in own_keys:  # somebody's own key is for the provider's own address
            os.environ[name] = own_keys[name]
            os.environ.pop(name.replace("_API_KEY", "_BASE_URL"), None)
        terminal.line(f"http://127.0.0.1:{port}/docs")
        ends = "it" if choice.pair else "it, and the servers and their data"
        terminal.line(f"Ctrl-C ends {ends}.")
        config = uvicorn.Config("shared_app.main:create_app", factory=True, log_level="warning")
        # Raised after an orderly shutdown; to end this command is what Ctrl-C is for.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    return 0


def bound(port: int) -> socket.socket:
    """A socket on the port. Raises CommandError if the port is taken or not ours to take."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # only now is it ours alone
    except OSError as error:
        listener.close()
        raise CommandError(
            f"port {port} on 127.0.0.1 cannot be used: {error.strerror}",
            hint=f"python -m scripts serve --port {port % 65535 + 1}",
        ) from None
    return listener
