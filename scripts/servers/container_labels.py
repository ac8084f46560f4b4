"""Containers that carry the label of the guardian that owns them, so that none is ever forgotten.

The guardian removes its own. If it is killed itself, ryuk does (testcontainers' reaper, used if its
image is there), and else the next guardian.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from docker.errors import APIError, ImageNotFound, NotFound
from testcontainers.core.config import testcontainers_config as config

from scripts.errors import ServerError
from scripts.servers import engine, process
from scripts.servers.folder import NAME, YOUNG_S, locked

if TYPE_CHECKING:
    from docker.models.containers import Container

LABEL = "wrongloop.owner"
# Ryuk carries another one: it must not remove itself.
REAPER = "wrongloop.ryuk"
# Each request to the engine, when servers end: less than the command's patience in all.
STOP_LIMIT_S = 6
RYUK_PORT = 8080


def owner(folder: Path) -> str:
    """The label's value: whose container it is. The folder is locked while its guardian lives."""
    return f"{machine()}{folder}"


def machine() -> str:
    """This machine and account: what lives elsewhere is not ours to judge."""
    account = os.geteuid() if hasattr(os, "geteuid") else 0
    return f"{socket.gethostname()}:{account}:"


def take_charge(folder: Path, stack: ExitStack) -> str:
    """From now on what carries the returned label's value is removed at the end of `stack`.

    What a killed guardian left is removed first.
    """
    name = owner(folder)
    try:
        sweep()
    except engine.errors() as error:
        raise ServerError(engine.silence(engine.plain(error))) from None
    stack.callback(remove_all, name)
    return name


def labelled(label: str) -> list[Container]:
    """The containers with this label ("name" or "name=value"), those that have ended included.

    Of each only what a list shows is known: to ask for more costs a request a container.
    """
    client = engine.connect(STOP_LIMIT_S)
    containers: list[Container] = client.containers.list(
        all=True, filters={"label": label}, sparse=True
    )
    return containers


def remove_all(value: str) -> None:
    """Remove every container of this owner, all at once, with their volumes; ryuk, too.

    Raises ServerError if the engine does not do it; the next command will.
    """
    try:
        containers = labelled(f"{LABEL}={value}") + labelled(f"{REAPER}={value}")
        if containers:
            with ThreadPoolExecutor(len(containers)) as pool:
                list(pool.map(remove, containers))
    except engine.errors() as error:
        left = f"containers with the label {LABEL}={value} may be left"
        raise ServerError(f"{left}: {engine.plain(error)}") from None


def remove(container: Container) -> None:
    """End a container and remove it. Somebody else's doing so at this moment is as good."""
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
    except OSError:  # no answer yet: a disk can need long for what a database wrote
        if not is_going(container):
            raise


def is_going(container: Container) -> bool:
    """Is the engine about to remove the container, or done?"""
    try:
        container.reload()
    except NotFound:
        return True
    return bool(container.status in ("removing", "dead"))


def sweep() -> None:
    """Remove the containers of this machine and account whose guardian is dead."""
    mine = machine()
    for container in labelled(LABEL):
        value = str((container.attrs.get("Labels") or {}).get(LABEL, ""))
        if value.startswith(mine) and abandoned(Path(value.removeprefix(mine))):
            remove(container)


def abandoned(folder: Path) -> bool:
    """Is this a guardian's folder, and is that guardian dead? When in doubt it lives."""
    if sys.platform == "win32" or not NAME.fullmatch(folder.name):
        return False
    try:
        if time.time() - folder.stat().st_mtime < YOUNG_S:
            return False
        with locked(folder):
            return True
    except FileNotFoundError:
        return True
    except OSError:
        return False


def watch(value: str, stack: ExitStack, given_up: Event | None = None) -> None:
    """Have ryuk remove what carries this label if we cannot; nothing happens without its image.

    Call this only if TESTCONTAINERS_RYUK_DISABLED does not forbid it.

    Not testcontainers' own `Reaper`: that one listens on every interface, knows nothing of compose,
    and fetches its image in silence.
    """
    client = engine.connect(STOP_LIMIT_S)
    try:
        client.images.get(config.ryuk_image)
    except ImageNotFound:
        return
    ryuk = client.containers.create(
        config.ryuk_image,
        auto_remove=True,
        privileged=config.ryuk_privileged,
        environment={"RYUK_RECONNECTION_TIMEOUT": config.ryuk_reconnection_timeout},
        ports={str(RYUK_PORT): ("127.0.0.1", 0)},
        volumes={config.ryuk_docker_socket: {"bind": "/var/run/docker.sock", "mode": "rw"}},
        labels={REAPER: value},
    )
    try:
        ryuk.start()
    except engine.errors():  # some engines let nobody mount their socket: the guardian suffices
        return
    line = hand_over(ryuk, f"label={LABEL}={value}", given_up or Event())
    if line is not None:
        stack.enter_context(line)


def hand_over(ryuk: Container, what: str, given_up: Event) -> socket.socket | None:
    """Tell ryuk what to remove; it does so when the line returned is closed, however that happens.

    None if it does not answer.
    """
    deadline = time.monotonic() + STOP_LIMIT_S
    while time.monotonic() < deadline and not given_up.is_set():
        process.end.check()
        with contextlib.suppress(OSError):
            ryuk.reload()
            for place in addresses(ryuk, RYUK_PORT):
                line = socket.create_connection(place, timeout=2)
                line.sendall(f"{what}\n".encode())
                if line.recv(64).startswith(b"ACK"):
                    return line
                line.close()
        time.sleep(process.POLL_S)
    return None


def addresses(container: Container, port: int) -> list[tuple[str, int]]:
    """Where a container's port may be reached: on loopback, or, from inside a container, directly.

    Only a server's answer tells which; empty if the container publishes nothing (any more).
    """
    settings = container.attrs["NetworkSettings"]
    published = (settings.get("Ports") or {}).get(f"{port}/tcp") or ()
    places = [("127.0.0.1", int(each["HostPort"])) for each in published[:1]]
    if places and Path("/.dockerenv").exists():
        networks = (settings.get("Networks") or {}).values()
        places += [(each["IPAddress"], port) for each in networks if each.get("IPAddress")]
    return places
