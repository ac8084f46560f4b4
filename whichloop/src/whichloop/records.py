"""What was seen, as plain values: nothing here refers to a loop, a driver object or a frame.

Every class is frozen and made of strings, numbers and other records, so that a recording can be
kept, compared, written as JSON and read back without keeping anything of the suite alive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from whichloop.actors import NOBODY as NOBODY
from whichloop.actors import Actor as Actor
from whichloop.actors import Settings as Settings


@dataclass(frozen=True)
class Site:
    """A line of code: ``file`` as it is shown, ``line`` from 1, ``function`` around it."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class LoopRecord:
    """One event loop. ``id`` is A, B, C … in order of birth; ``born`` and ``closed`` are ticks.

    ``runner`` says what made it (see ``sites.RUNNERS``), ``scope`` is its pytest loop scope where
    it has one, ``opened_by`` who asked for it, ``thread`` the thread that ran it.
    """

    id: str
    kind: str
    runner: str
    scope: str | None
    thread: str
    opened_by: Actor
    opened_at: Site | None
    born: int
    closed: int | None = None
    closed_by: Actor | None = None

    @property
    def owner(self) -> str:
        """Whose loop it is, in a few words that do not change from run to run."""
        scoped = f"{self.scope} loop" if self.scope else "loop"
        if self.runner == "pytest-asyncio" and self.scope == "function" and self.opened_by.name:
            return f"function loop of {self.opened_by.name}"
        if self.runner == "pytest-asyncio":
            return scoped if self.scope else "loop made inside pytest-asyncio"
        if self.runner == "anyio":
            who = f" ({self.opened_by})" if self.opened_by.kind != "unknown" else ""
            return f"anyio plugin's loop{who}"
        if self.runner == "unittest":
            return f"IsolatedAsyncioTestCase loop of {self.opened_by.name}"
        where = f" at {self.opened_at}" if self.opened_at else ""
        if self.runner == "TestClient":
            return f"TestClient portal{where}"
        if self.thread != "MainThread" and self.runner in ("new_event_loop", "asyncio.run"):
            return f"loop of thread {self.thread}, {self.runner}{where}"
        if self.runner == "unknown":
            return "owner not known"
        return f"{self.runner}{where}"


@dataclass(frozen=True)
class ObjectRecord:
    """One loop-bound object. ``built_*`` is its construction, ``bound_*`` its first use;
    ``left_by`` the test that last used it on another loop and may have left it half-way."""

    seq: int
    driver: str
    label: str
    type: str
    built_at: Site | None = None
    built_by: Actor = NOBODY
    bound_to: str | None = None
    bound_at: Site | None = None
    bound_by: Actor = NOBODY
    kept_by: str | None = None
    part_of: str | None = None
    closed: bool = False
    born: int = 0
    bound: int | None = None
    left_by: str | None = None


@dataclass(frozen=True)
class Crossing:
    """An object bound to one loop and used on another."""

    seq: int
    bound_to: str
    used_on: str
    at: Site | None
    by: Actor
    during: str
    tick: int
    bound_at: Site | None = None
    bound: int | None = None


@dataclass(frozen=True)
class Frame:
    """One line of a traceback; ``user`` tells the suite's own code from libraries."""

    module: str
    site: Site
    user: bool


@dataclass(frozen=True)
class Failure:
    """An exception as text. ``chain`` runs from the one raised to its causes; ``running`` is the
    loop that still ran in this thread when the exception had left everything."""

    chain: tuple[tuple[str, str], ...]
    frames: tuple[Frame, ...] = ()
    during: str = ""
    phase: str = ""
    used_on: str | None = None
    running: str | None = None

    @property
    def crossing_line(self) -> Site | None:
        """The suite's own line nearest to the error."""
        return next((f.site for f in reversed(self.frames) if f.user), None)


@dataclass(frozen=True)
class Ran:
    """A fixture or a test that ran on a loop, between two ticks."""

    kind: str
    name: str
    loop: str
    tick: int
    caching_scope: str | None = None
    loop_scope: str | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Cure:
    """One piece of advice: ``id`` in the cures' table, the sentence, the change to make."""

    id: str
    text: str
    change: str
    remedy: int | None = None
    link: str | None = None


@dataclass(frozen=True)
class Finding:
    """The explanation of one failure or one silent crossing."""

    cause: str
    sentence: str
    sure: str
    message: str | None
    during: str
    phase: str
    object: ObjectRecord | None = None
    bound_loop: LoopRecord | None = None
    using_loop: LoopRecord | None = None
    used_by: Actor = NOBODY
    crossing_line: Site | None = None
    cures: tuple[Cure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """Everything seen in one process."""

    loops: tuple[LoopRecord, ...] = ()
    objects: tuple[ObjectRecord, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    ran: tuple[Ran, ...] = ()
    settings: Settings = field(default_factory=Settings)

    def loop(self, name: str | None) -> LoopRecord | None:
        """The loop called ``name``, or None."""
        return next((one for one in self.loops if one.id == name), None)

    def object(self, seq: int) -> ObjectRecord | None:
        """The object with that sequence number, or None."""
        return next((one for one in self.objects if one.seq == seq), None)
