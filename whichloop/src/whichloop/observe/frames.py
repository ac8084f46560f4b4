"""Whose line is it: walking frames, and telling the suite's own code from libraries."""

from __future__ import annotations

import functools
import os
import site
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whichloop.records import Site

MAX_FRAMES = 250

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _library_folders() -> tuple[str, ...]:
    # Installed packages outside these are known by the name of their folder (see _PARTS).
    folders = {os.path.dirname(os.__file__)}
    folders.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    folders.add(site.getusersitepackages())
    real = {os.path.realpath(folder) for folder in folders}
    return tuple(sorted(os.path.join(folder, "") for folder in folders | real))


_LIBRARY = _library_folders()
_PARTS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@functools.lru_cache(maxsize=4096)
def is_user_file(filename: str) -> bool:
    """True for code that is neither Python's own, nor an installed package's, nor ours."""
    if not filename or filename[0] == "<":
        return False
    if filename.startswith(_HERE) or any(part in filename for part in _PARTS):
        return False
    if not os.path.isabs(filename):
        # Code compiled with a bare name ("conftest.py") is a suite's; a library's is absolute.
        # Extension modules (cython) name their sources relatively, but they are not on disk.
        return filename.endswith(".py") and os.path.exists(filename)
    return not filename.startswith(_LIBRARY)


@functools.lru_cache(maxsize=4096)
def shown(filename: str) -> str:
    """A path relative to the working directory where that is shorter to read."""
    try:
        relative = os.path.relpath(filename)
    except (ValueError, OSError):  # another drive, or the working directory is gone
        return filename
    return filename if relative.startswith(os.pardir) else relative.replace(os.sep, "/")


def site_of(code: CodeType, line: int) -> Site:
    """The record of a line of ``code``."""
    from whichloop.records import Site

    return Site(shown(code.co_filename), line, code.co_name)


def outward(frame: FrameType | None) -> Iterator[FrameType]:
    """Frames from ``frame`` to the bottom of the stack, across greenlets.

    SQLAlchemy runs the driver in a greenlet, whose stack ends at its own first function: the
    coroutine that awaits it is in the parent greenlet.
    """
    greenlet = sys.modules.get("greenlet")
    current = greenlet.getcurrent() if greenlet is not None else None
    for _ in range(MAX_FRAMES):
        if frame is None:
            parent = getattr(current, "parent", None)
            if parent is None or parent.gr_frame is None:
                return
            current, frame = parent, parent.gr_frame
        yield frame
        frame = frame.f_back


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the suite's own code, or None."""
    for one in outward(frame):
        if is_user_file(one.f_code.co_filename):
            return one
    return None


# Library modules that make or drive a loop, by the name their frames carry.
RUNNERS = {
    "pytest_asyncio.plugin": "pytest-asyncio",
    "anyio.pytest_plugin": "anyio",
    "starlette.testclient": "TestClient",
    "anyio.from_thread": "portal",
    "unittest.async_case": "unittest",
    "asgiref.sync": "async_to_sync",
    "pytest_trio.plugin": "pytest-trio",
    "pytest_aiohttp.plugin": "pytest-aiohttp",
    "aiohttp.pytest_plugin": "pytest-aiohttp",
    "IPython.core.async_helpers": "IPython",
}


def runner_of(frame: FrameType | None) -> tuple[str, Site | None]:
    """What is making a loop, read from the stack: one of ``RUNNERS``' values, or
    asyncio.run, asyncio.Runner, new_event_loop, unknown; and the suite's line that asked."""
    weak: str | None = None
    for one in outward(frame):
        code = one.f_code
        if is_user_file(code.co_filename):
            return weak or "new_event_loop", site_of(code, one.f_lineno)
        module = one.f_globals.get("__name__", "")
        if module in RUNNERS:
            return RUNNERS[module], _user_site(one)
        if module in ("asyncio.runners", "uvloop"):
            if code.co_name == "run" and "self" not in code.co_varnames[:1]:
                weak = "asyncio.run"
            elif weak is None:
                weak = "asyncio.Runner"
    return weak or "unknown", None


def _user_site(frame: FrameType) -> Site | None:
    one = user_frame(frame)
    return site_of(one.f_code, one.f_lineno) if one is not None else None


def cache_name(frame: FrameType) -> str | None:
    """The ``functools`` cache that wraps this frame's function, if its module shows one."""
    found = frame.f_globals.get(frame.f_code.co_name)
    wrapped = getattr(found, "__wrapped__", None)
    if hasattr(found, "cache_info") and getattr(wrapped, "__code__", None) is frame.f_code:
        return str(frame.f_code.co_name)
    return None
