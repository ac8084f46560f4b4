"""Whose loop is it: read from pytest's hooks and from the stack."""

import functools
import sys
import threading
from types import FrameType

from whichloop.observe.frames import is_user_file, outward, site_of, user_site
from whichloop.records import Actor, Site

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
    runner, line = _on_stack(frame)
    if line is None and runner in ("portal", "asyncio.run"):
        return _in_main_thread(runner)
    return runner, line


def _on_stack(frame: FrameType | None) -> tuple[str, Site | None]:
    weak: str | None = None
    for outer in outward(frame):
        code = outer.f_code
        if is_user_file(code.co_filename):
            return weak or "new_event_loop", site_of(code, outer.f_lineno)
        module = outer.f_globals.get("__name__", "")
        if module in RUNNERS:
            return RUNNERS[module], user_site(outer)
        if module in ("asyncio.runners", "uvloop"):
            if code.co_name == "run" and "self" not in code.co_varnames[:1]:
                weak = "asyncio.run"
            elif weak is None:
                weak = "asyncio.Runner"
    return weak or "unknown", None


def _in_main_thread(runner: str) -> tuple[str, Site | None]:
    """The same for a loop born in a thread that a library started: the caller waits in the main
    thread."""
    main = threading.main_thread().ident
    if main is None or main == threading.get_ident():
        return runner, None
    frame = sys._current_frames().get(main)
    while frame is not None:
        caller = RUNNERS.get(frame.f_globals.get("__name__", ""))
        if caller in ("TestClient", "async_to_sync"):
            runner = caller
        if is_user_file(frame.f_code.co_filename):
            known = runner != "asyncio.run"
            return runner, site_of(frame.f_code, frame.f_lineno) if known else None
        frame = frame.f_back
    return runner, None


@functools.lru_cache(maxsize=64)
def runner_scope(hook: Actor) -> str | None:
    """The loop scope that a pytest-asyncio runner or event_loop fixture stands for."""
    if hook.kind != "fixture":
        return None
    name = hook.name
    if name.endswith("_scoped_runner") and name[0] == "_":
        return name[1 : -len("_scoped_runner")]
    loops = name == "event_loop" or name.endswith("<event_loop>")
    older = name.startswith("_") and name.endswith("_event_loop")
    return hook.caching_scope if loops or older else None
