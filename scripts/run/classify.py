"""Which of the messages is it, and whose? Pure: exception types, texts and file names in.

The messages are whichloop's catalogue.
"""

from dataclasses import dataclass

from scripts.verdict.words import Kind
from whichloop import messages

DRIVERS = ("motor", "asyncpg", "psycopg", "pymongo", "httpx")
# What a driver raises when the server is gone, and the operating system when there is none.
UNREACHABLE = (
    "ServerSelectionTimeoutError",
    "AutoReconnect",
    "ConnectionDoesNotExistError",
    "CannotConnectNowError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "ConnectionError",
    "LockNotAvailable",
    "AdminShutdown",
    "AdminShutdownError",
)


@dataclass(frozen=True)
class Raised:
    """One exception of a chain: its type's name, its text, and the files of its traceback.

    `files` are innermost first, as the interpreter names them.
    """

    type: str
    message: str
    files: tuple[str, ...] = ()


def classify(chain: list[Raised]) -> tuple[Kind, str | None]:
    """(kind, driver) of a failure, from its exceptions, the one that was raised first in the list.

    `kind` is different_loop, loop_closed, operation_in_progress, infrastructure, assertion or
    other. A wrapping exception is judged by its cause if its own text says nothing.
    """
    kinds = (kind for kind in map(kind_of, chain) if kind != "other")
    return next(kinds, "other"), next(filter(None, map(driver_of, chain)), None)


def kind_of(raised: Raised) -> Kind:
    """The kind of one exception, by its text, then by its type."""
    kind = messages.kind_of(f"{raised.type}: {raised.message}")
    if kind is not None:
        return kind
    if raised.type in UNREACHABLE:
        return "infrastructure"
    return "assertion" if raised.type == "AssertionError" else "other"


def driver_of(raised: Raised) -> str | None:
    """The driver whose future, or whose innermost frame, is in the exception."""
    owner = messages.driver_of(raised.message)
    if owner is not None:
        return owner
    for file in raised.files:
        parts = file.replace("\\", "/").split("/")
        for driver in DRIVERS:
            if driver in parts[:-1] or f"{driver}.py" == parts[-1]:
                # Motor runs PyMongo in threads: with a frame of Motor's anywhere, it is Motor's.
                if driver == "pymongo" and any("/motor/" in other for other in raised.files):
                    return "motor"
                return driver
    return None
