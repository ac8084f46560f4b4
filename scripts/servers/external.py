"""Servers that somebody else runs: BACKEND=external.

Whatever the URL's database is, it is left alone: every side gets databases of its own beside it,
and they are dropped when the command ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from scripts.errors import ServerError
from scripts.servers.ask import describe_mongodb, describe_postgres, drop_databases
from scripts.servers.model import Message, Server, first_line, without_password

EXAMPLES = {
    "MONGO_URL": "mongodb://127.0.0.1:27017/",
    "DATABASE_URL": "postgresql://postgres@127.0.0.1:5432/postgres",
}
ERRORS = (psycopg.Error, PyMongoError, ValueError)


def start(request: Message, folder: Path, stack: ExitStack) -> tuple[Server, Server]:
    """The servers at request["urls"] {"MONGO_URL", "DATABASE_URL"}."""
    postgres = reach_postgres(request["urls"]["DATABASE_URL"])
    mongodb = reach_mongodb(request["urls"]["MONGO_URL"])
    stack.callback(drop_databases, request["token"], postgres, mongodb)
    return postgres, mongodb


def reach_postgres(url: str) -> Server:
    """The Postgres at `url`. Raises ServerError, the password left out."""
    url = re.sub(r"^postgres(ql\+asyncpg)?://", "postgresql://", url)
    return reach("DATABASE_URL", url, ("postgresql",), conninfo_to_dict, describe_postgres)


def reach_mongodb(url: str) -> Server:
    """The MongoDB at `url`. Raises ServerError, the password left out."""
    # Parsing the form with "+srv" asks the DNS.
    parse = parse_uri if url.startswith("mongodb://") else str
    return reach("MONGO_URL", url, ("mongodb", "mongodb+srv"), parse, describe_mongodb)


def reach(
    name: str,
    url: str,
    schemes: tuple[str, ...],
    parse: Callable[[str], object],
    describe: Callable[[str], Server],
) -> Server:
    """The server at the `url` in the variable `name`; the drivers know what a URL is."""
    example = f"export {name}={EXAMPLES[name]}"
    if not url:
        raise ServerError(f"BACKEND=external needs {name}", hint=example)
    malformed = f"{name} is not a URL of the form {EXAMPLES[name]}: {without_password(url)}"
    if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise ServerError(malformed, hint=example)
    try:
        parse(url)
    except ERRORS as error:
        raise ServerError(f"{malformed} ({plain(error, url)})", hint=example) from None
    try:
        return describe(url)
    except ERRORS as error:
        raise ServerError(
            f"no server answers at {name}={without_password(url)}: {plain(error, url)}",
            hint="check the address, or leave the choice to us with BACKEND=auto",
        ) from None


def plain(error: Exception, url: str) -> str:
    """The first line of a driver's error, without the URL's password in any form."""
    text = without_password(first_line(error))
    match = re.search(r"://[^:/@\s]*:(.*)@", url)
    for secret in {match[1], unquote(match[1])} if match and match[1] else ():
        text = text.replace(secret, "***")
    return text[:200]
