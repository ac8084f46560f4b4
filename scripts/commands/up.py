"""`make up`, `down`, `ps` and `logs`: a pair that stays, on Docker by compose, else embedded."""

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from scripts.errors import CommandError
from scripts.servers import engine, warm_pair
from scripts.servers.choose import automatic, choose
from scripts.servers.client import keep
from scripts.servers.compose import compose
from scripts.servers.engine import images
from scripts.servers.model import CONTAINERS
from scripts.servers.process import seconds
from scripts.servers.warm_pair import Pair
from scripts.views import terminal


def up() -> int:
    """Start a pair and leave it; nothing happens to one that is up."""
    if on_docker():
        from scripts.servers import compose_pair  # testcontainers: 0.5 s, only with Docker

        return compose_pair.up()
    idle_s = seconds(*warm_pair.IDLE_LIMIT)
    with warm_pair.starting():
        pair, useless = warm_pair.find()
        if useless:
            terminal.prose(f"{useless}; starting another")
        if pair is None:
            keep("embedded", idle_s)
            pair, useless = warm_pair.find()
        if pair is None:
            raise CommandError(f"the pair ended at once: {useless}", hint="make up")
    print_pair(pair)
    terminal.line("Next: make reproduce, which uses it, or make ps (and at the end: make down)")
    return 0


def down() -> int:
    """Stop the pair and forget its data."""
    with warm_pair.starting() if warm_pair.FILE.exists() else nullcontext():
        pair, useless = warm_pair.find()
        if pair:
            pair.end()
            terminal.line("down: the embedded pair")
    if on_docker():
        return compose("down", "--volumes", "--timeout", "0")
    if not pair:
        terminal.prose(useless or "No pair is up.")
    return 0


def ps() -> int:
    """What runs, since when, where, and how long it stays."""
    return show("ps", print_pair)


def logs() -> int:
    """What the servers have written."""
    return show("logs", print_logs)


def show(command: str, print_it: Callable[[Pair], None]) -> int:
    """Show something of the embedded pair that is up; else it is a command for compose."""
    pair, useless = warm_pair.find()
    if pair:
        print_it(pair)
        return 0
    if on_docker():
        return compose(command)
    terminal.prose(f"No pair is up{f': {useless}' if useless else ''}. Next: make up")
    return 0


def print_pair(pair: Pair) -> None:
    for server in (pair.servers.postgres, pair.servers.mongodb):
        if server:
            terminal.line(f"up: {server} at {server.url}")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(pair.since))
    terminal.line(
        f"Since {since}; it ends when no command has used it for {pair.idle_s:g} s"
        f" ({warm_pair.IDLE_LIMIT[0]}). Files: {pair.servers.log_dir}"
    )


def print_logs(pair: Pair) -> None:
    for log in sorted(Path(pair.servers.log_dir).glob("*.log")):
        for line in log.read_text("utf-8", "replace").splitlines():
            terminal.line(f"{log.stem}: {line}")


def on_docker() -> bool:
    """Is the pair one of containers: where BACKEND says so, or `auto` would take them?"""
    asked = os.environ.get("BACKEND") or "auto"
    if asked == "external":
        raise CommandError(
            "BACKEND=external: those servers are somebody else's to start and stop",
            hint="BACKEND=embedded make up",
        )
    if asked == "auto":
        return automatic(engine.find(images())).backend in CONTAINERS
    return choose().backend in CONTAINERS
