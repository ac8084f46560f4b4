"""The temporary folder of one guardian: where it may be, and what a killed guardian left behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "wrongloop-"
NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")  # as tempfile.mkdtemp makes it
# The name of a Unix socket is at most this long (Linux allows 107 bytes, macOS 103), and the
# longest one in the folder is Postgres's.
SOCKET_LIMIT = 103
SOCKET = "postgres/.s.PGSQL.5432"
# A folder younger than this may belong to a guardian that has not come round to locking it.
YOUNG_S = 10.0


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards: at the latest when the next guardian starts."""
    root = suitable_root()
    sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    try:
        with locked(folder):
            yield folder
    finally:
        remove(folder)


def suitable_root() -> Path:
    """TMPDIR, unless it is no place for a server, for one of three reasons: its path is too long
    for a Unix socket, has a character in it that parts a list of hosts or folders, or is closed to
    the account that Postgres runs as when we are root. Then /tmp."""
    chosen = Path(tempfile.gettempdir())
    if sys.platform == "win32":
        return chosen
    socket = chosen / (PREFIX + 8 * "x") / SOCKET
    unfit = len(os.fsencode(socket)) > SOCKET_LIMIT or set(str(socket)) & set(",\"'")
    way = (chosen, *chosen.parents)
    if unfit or (os.geteuid() == 0 and not all(path.stat().st_mode & stat.S_IXOTH for path in way)):
        return Path("/tmp")
    return chosen


def sweep(root: Path) -> None:
    """Remove our own folders in `root` whose guardian is dead."""
    for folder in root.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # gone by now
            if abandoned(folder) and folder.lstat().st_uid == os.geteuid():
                remove(folder)


def abandoned(folder: Path) -> bool:
    """Is this a guardian's folder, and is that guardian dead? When in doubt it lives."""
    if sys.platform == "win32" or not NAME.fullmatch(folder.name):
        return False
    try:
        if time.time() - folder.lstat().st_mtime < YOUNG_S:
            return False
        with locked(folder):  # a guardian holds the lock while it lives
            return True
    except FileNotFoundError:
        return True
    except OSError:  # in use, or no folder
        return False


@contextlib.contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the folder's lock; it goes with the process. Raises OSError if somebody has it, unless
    we are to wait."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove a folder, patient with a server's last child that still writes in it."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
