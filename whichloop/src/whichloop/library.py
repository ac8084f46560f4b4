"""Which loop does this object belong to? For production code and scripts; needs no pytest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from whichloop.observe.probes import REGISTRY
from whichloop.observe.tracker import TRACKER


@dataclass(frozen=True)
class Binding:
    """The answer of :func:`loop_of`.

    ``known`` is False for an object that no probe knows; ``loops`` holds each loop the object, or
    a connection it holds, is bound to (empty: not bound yet); ``looked_at`` says what the answer
    rests on, so that it can be checked.
    """

    known: bool
    label: str
    loops: tuple[asyncio.AbstractEventLoop, ...]
    looked_at: tuple[str, ...]

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop, where there is exactly one; None where there is none, or several."""
        return self.loops[0] if len(self.loops) == 1 else None

    def __str__(self) -> str:
        if not self.known:
            return f"{self.label}: not an object that whichloop knows"
        looked = ", ".join(self.looked_at)
        if not self.loops:
            return f"{self.label}: bound to no loop yet (looked at {looked})"
        names = " and ".join(_words(loop) for loop in self.loops)
        return f"{self.label}: bound to {names} (looked at {looked})"


class LoopMismatch(AssertionError):
    """Raised by :func:`assert_same_loop`; its text names each object, its loop and the source."""


def _words(loop: Any) -> str:
    live = TRACKER.find_loop(loop)
    state = "closed" if loop.is_closed() else "running" if loop.is_running() else "not running"
    if live is not None and live.runner != "unknown":
        return f"loop {live.name}, the {live.record().owner} ({state})"
    return f"the {type(loop).__name__} at {id(loop):#x} ({state})"


def loop_of(obj: Any) -> Binding:
    """The event loop that ``obj`` is bound to, read from what the object holds.

    Knows SQLAlchemy's AsyncEngine, AsyncConnection, AsyncSession and async_sessionmaker, asyncpg
    connections and pools, Motor and PyMongo clients, databases and collections, redis.asyncio
    clients, pools and connections, httpx and httpcore clients and pools, psycopg pools, aiohttp
    sessions, grpc.aio channels, asyncio's own primitives, streams, futures and tasks, and any
    object that keeps a loop in ``_loop`` or ``loop``. Never waits, connects or imports; raises
    nothing. An unknown object gives a Binding whose ``known`` is False.
    """
    reading = REGISTRY.read(obj)
    if reading is None:
        kind = type(obj)
        return Binding(False, f"{kind.__module__}.{kind.__qualname__}", (), ())
    return Binding(True, reading.label, tuple(reading.loops), reading.looked_at)


def assert_same_loop(*objects: Any) -> tuple[Binding, ...]:
    """Assert that all ``objects``, and the running loop if there is one, share one loop.

    Objects not bound yet agree with any loop. Returns what was seen of each. Raises
    :class:`LoopMismatch` where two loops differ, and :class:`TypeError` for no objects at all or
    an object whose loop cannot be read: a check that cannot check must not pass.
    """
    if not objects:
        raise TypeError("assert_same_loop needs at least one object")
    seen = tuple(loop_of(one) for one in objects)
    unknown = [str(one) for one in seen if not one.known]
    if unknown:
        raise TypeError("; ".join(unknown))
    loops: list[Any] = []
    running = asyncio._get_running_loop()
    for loop in (*((running,) if running is not None else ()), *(x for b in seen for x in b.loops)):
        if not any(loop is other for other in loops):
            loops.append(loop)
    if len(loops) > 1:
        lines = [str(one) for one in seen]
        if running is not None:
            lines.append(f"running here: {_words(running)}")
        raise LoopMismatch("more than one event loop:\n  " + "\n  ".join(lines))
    return seen
