"""Choose the backend: what `make up` keeps, else testcontainers if they can start without the
network, else embedded."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scripts.errors import CommandError
from scripts.servers import engine, warm_pair
from scripts.servers.engine import Engine, images
from scripts.servers.model import BACKENDS
from scripts.servers.warm_pair import Pair


@dataclass(frozen=True)
class Choice:
    """A backend, and why it is that one; `pair` if it is one that `make up` keeps."""

    backend: str
    why: str
    pair: Pair | None = None

    def __str__(self) -> str:
        others = ", ".join(name for name in BACKENDS if name not in (self.backend, "auto"))
        return f"Servers: {self.backend} ({self.why}). Others: BACKEND={others}."


def choose(environ: Mapping[str, str] = os.environ, *, exhausting: bool = False) -> Choice:
    """The backend that `BACKEND` asks for. Raises CommandError for one that does not exist.

    A side that is `exhausting` uses up a server: it gets its own, and not the pair of `make up`.
    """
    asked = environ.get("BACKEND", "") or "auto"
    if asked not in BACKENDS:
        raise CommandError(
            f"BACKEND={asked!r} is not a backend; it is one of {', '.join(BACKENDS)}",
            hint="BACKEND=embedded python -m scripts reproduce",
        )
    if asked != "auto":
        return Choice(asked, f"BACKEND={asked}")
    pair, useless = warm_pair.find()
    if pair:
        alone = Choice("embedded", f"of its own, for a side that uses up a server; not {pair}")
        return alone if exhausting else with_pair(pair)
    choice = automatic(engine.find(images(environ)), exhausting=exhausting)
    return replace(choice, why=f"{useless}; {choice.why}") if useless else choice


def with_pair(pair: Pair) -> Choice:
    """What `auto` means where `make up` keeps a pair."""
    return Choice("embedded", str(pair), pair)


def automatic(found: Engine, *, exhausting: bool = False) -> Choice:
    """What `auto` means where the engine is as found. `make doctor` asks this, too."""
    if found.pair and not exhausting:
        return Choice("compose", "the pair of `make up` runs on Docker")
    if found.why_not:
        return Choice("embedded", found.why_not)
    if found.missing:
        names = " and ".join(found.missing)
        why = f"{found.name} answers but has no {names}; `make pull` fetches them"
        return Choice("embedded", why)
    return Choice("testcontainers", f"{found.name} {found.version} answers and has the images")


def no_mongodb() -> str | None:
    """Why the embedded pair has no MongoDB half on this machine; None if it has one."""
    if shutil.which("mongod") or importlib.util.find_spec("secantus"):
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"no `mongod` is on PATH and SecantusDB has no wheel for Python {version}. "
        "Install Python 3.11, 3.12 or 3.13 and remove .venv, put mongod on PATH, "
        "or use BACKEND=testcontainers"
    )
