"""Servers that somebody else runs: BACKEND=external.

Whatever the URL's database is, it is left alone: every side gets databases of its own beside it,
and they are dropped when the command ends.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from scripts.errors import ServerError
from scripts.servers.ask import describe_mongodb, describe_postgres
from scripts.servers.databases import drop_databases
from scripts.servers.model import Server, Servers, without_password
from scripts.servers.upstream import Upstream

EXAMPLES = {
    "MONGO_URL": "mongodb://127.0.0.1:27017/",
    "DATABASE_URL": "postgresql://postgres@127.0.0.1:5432/postgres",
}


def use_external(token: str, folder: Path, stack: ExitStack, urls: dict[str, str]) -> Servers:
    """The servers at `urls` {"MONGO_URL", "DATABASE_URL"}."""
    upstream = Upstream(folder, stack)
    servers = Servers(
        backend="external",
        token=token,
        postgres=reach_postgres(urls["DATABASE_URL"]),
        mongodb=reach_mongodb(urls["MONGO_URL"]),
        upstream=upstream.wait(),
        log_dir=str(folder),
    )
    stack.callback(drop_databases, servers)
    return servers


def reach_postgres(url: str) -> Server:
    """The Postgres at `url`. Raises ServerError, the password left out."""
    name = "DATABASE_URL"
    url = checked(name, url, schemes=("postgresql", "postgres", "postgresql+asyncpg"))
    url = "postgresql" + url[url.index("://") :]
    try:
        conninfo_to_dict(url)
    except psycopg.Error as error:
        raise malformed(name, url, error) from None
    try:
        return describe_postgres(url)
    except psycopg.Error as error:
        raise unreachable(name, url, error) from None


def reach_mongodb(url: str) -> Server:
    """The MongoDB at `url`. Raises ServerError, the password left out."""
    name = "MONGO_URL"
    url = checked(name, url, schemes=("mongodb", "mongodb+srv"))
    try:
        if url.startswith("mongodb://"):  # parsing the other form asks the DNS
            parse_uri(url)
    except (PyMongoError, ValueError) as error:
        raise malformed(name, url, error) from None
    try:
        return describe_mongodb(url)
    except (PyMongoError, ValueError) as error:
        raise unreachable(name, url, error) from None


def checked(name: str, url: str, *, schemes: tuple[str, ...]) -> str:
    """`url` if it is there and begins as one; the drivers know the rest."""
    if not url:
        raise ServerError(f"BACKEND=external needs {name}", hint=f"export {name}={EXAMPLES[name]}")
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in schemes:
        raise malformed(name, url)
    return url


def malformed(name: str, url: str, error: Exception | None = None) -> ServerError:
    """The error for a URL that is none; the driver's words may say where."""
    said = f" ({plain(error, url)})" if error else ""
    return ServerError(
        f"{name} is not a URL of the form {EXAMPLES[name]}: {without_password(url)}{said}",
        hint=f"export {name}={EXAMPLES[name]}",
    )


def unreachable(name: str, url: str, error: Exception) -> ServerError:
    """The error for a server that does not answer."""
    said = plain(error, url)
    return ServerError(
        f"no server answers at {name}={without_password(url)}: {said}",
        hint="check the address, or leave the choice to us with BACKEND=auto",
    )


def plain(error: Exception, url: str) -> str:
    """The first line of a driver's error, without the URL's password in any form."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    text = without_password(text)
    found = re.search(r"://[^:/@\s]*:(.*)@", url)
    for secret in {found[1], unquote(found[1])} if found and found[1] else ():
        text = text.replace(secret, "***")
    return text[:200]
