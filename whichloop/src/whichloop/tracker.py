"""The live side: what is built, bound and used, on which loop, by whom.

State is kept by identity and weakly: a loop or an object that would be collected without whichloop
is collected with it. What outlives them is text and numbers.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from . import sites
from .actors import NOBODY, Actor, Settings

if TYPE_CHECKING:
    from .records import Crossing, LoopRecord, ObjectRecord, Ran, Recording

log = logging.getLogger("whichloop")

# Enough for any report; a suite that crosses a thousand times in one test says it once.
MAX_CROSSINGS = 50
MAX_DEAD = 64

running_loop = asyncio._get_running_loop


def letters(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA: a loop's name from its place in the order of birth."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _nothing() -> None:
    return None


class _Ref(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that knows under which key its table holds it."""

    __slots__ = ("key",)

    def __init__(self, obj: Any, callback: Callable[[Any], None]) -> None:
        super().__init__(obj, callback)  # type: ignore[call-arg]
        self.key = id(obj)


class LiveLoop:
    """What is known of one loop while the suite runs; ``ref`` does not keep it alive."""

    __slots__ = (
        "__weakref__",
        "born",
        "closed",
        "closed_by",
        "ident",
        "kind",
        "number",
        "opened_at",
        "opened_by",
        "ref",
        "runner",
        "scope",
        "thread",
    )

    def __init__(self, loop: Any, number: int, tick: int) -> None:
        self.ref: Callable[[], Any] = _nothing
        self.number = number
        self.born = tick
        self.kind = type(loop)
        self.ident = 0
        self.thread = "MainThread"
        self.runner = "unknown"
        self.scope: str | None = None
        self.opened_by = NOBODY
        self.opened_at: Any = None
        self.closed: int | None = None
        self.closed_by: Actor | None = None

    @property
    def name(self) -> str:
        return letters(self.number)

    def record(self) -> LoopRecord:
        from .records import LoopRecord

        return LoopRecord(
            id=self.name,
            kind=f"{self.kind.__module__}.{self.kind.__qualname__}",
            runner=self.runner,
            scope=self.scope,
            thread=self.thread,
            opened_by=self.opened_by,
            opened_at=self.opened_at,
            born=self.born,
            closed=self.closed,
            closed_by=self.closed_by,
        )


class LiveObject:
    """What is known of one loop-bound object."""

    __slots__ = (
        "address_of",
        "born",
        "bound_at",
        "bound_by",
        "bound_tick",
        "built_at",
        "built_by",
        "closed",
        "driver",
        "kept_by",
        "label",
        "last_crossing",
        "loop",
        "parent",
        "ref",
        "seq",
        "type",
    )

    def __init__(self, seq: int, tick: int, driver: str, label: str, type_name: str) -> None:
        self.seq = seq
        self.born = tick
        self.driver = driver
        self.label = label
        self.type = type_name
        self.ref: Callable[[], Any] = _nothing
        self.address_of: type | None = None
        self.built_at: Any = None
        self.built_by = NOBODY
        self.loop: LiveLoop | None = None
        self.bound_at: Any = None
        self.bound_by = NOBODY
        self.bound_tick: int | None = None
        self.kept_by: str | None = None
        self.parent: LiveObject | None = None
        self.closed = False
        self.last_crossing: Crossing | None = None

    def record(self) -> ObjectRecord:
        from .records import ObjectRecord

        return ObjectRecord(
            seq=self.seq,
            driver=self.driver,
            label=self.label,
            type=self.type,
            built_at=self.built_at,
            built_by=self.built_by,
            bound_to=self.loop.name if self.loop else None,
            bound_at=self.bound_at,
            bound_by=self.bound_by,
            kept_by=self.kept_by,
            part_of=self.parent.type if self.parent else None,
            closed=self.closed,
            born=self.born,
            bound=self.bound_tick,
            left_by=self.last_crossing.during if self.last_crossing else None,
        )


class Tracker:
    """One per process (``TRACKER``). Probes and hooks report to it; it answers with records."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; used when a pytest session ends."""
        self.recording = False
        self.settings = Settings()
        self.tick = itertools.count(1)
        self._loop_numbers = itertools.count()
        self._seqs = itertools.count(1)
        self._loops: dict[int, LiveLoop] = {}
        self._objects: dict[int, LiveObject] = {}
        self._on_loop_gone = self._loop_gone
        self._on_object_gone = self._object_gone
        self.dead_loops: deque[LiveLoop] = deque(maxlen=MAX_DEAD)
        self._all_loops: list[LiveLoop] = []
        self._all_objects: list[LiveObject] = []
        self.crossings: list[tuple[Crossing, LiveObject, ObjectRecord]] = []
        self._all_crossings: list[Crossing] = []
        self.ran: list[Ran] = []
        self.ran_here: list[LiveLoop] = []
        self.hooks: list[Actor] = []
        self.during = ""
        self.fixture_codes: dict[CodeType, Actor] = {}
        self.switched_off: dict[str, str] = {}
        self.reported: set[int] = set()
        # The plugin says it in the summary: a log record would reach the suite's own caplog.
        self.reported_elsewhere = False

    # -- who ------------------------------------------------------------------------------

    def actor(self) -> Actor:
        """Who pytest's hooks say is at work."""
        return self.hooks[-1] if self.hooks else NOBODY

    def capture(self, frame: FrameType | None, cache: bool = False) -> tuple[Any, Actor]:
        """The suite's line nearest to ``frame``, and who is at work there.

        A fixture's own code on the stack wins over the hooks, which cannot see finalizers;
        a module's top level on the stack is an import; the bottom of a loop ends the search.
        """
        site = None
        code_name = ""
        cached: str | None = None
        found: Actor | None = None
        for one in sites.outward(frame):
            code = one.f_code
            known = self.fixture_codes.get(code)
            if sites.is_user_file(code.co_filename):
                if site is None:
                    site = sites.site_of(code, one.f_lineno)
                    code_name = getattr(code, "co_qualname", code.co_name)
                if cache and cached is None:
                    cached = sites.cache_name(one)
                if code.co_name == "<module>":
                    found = Actor("import", one.f_globals.get("__name__", "?"), cache=cached)
                    break
            if known is not None:
                found = known
                break
            if code.co_name == "run_forever":
                break
        if found is None:
            found = self.actor()
            if found.kind == "unknown" and code_name:
                found = Actor("code", code_name)
        if cached and found.cache is None:
            found = Actor(found.kind, found.name, found.caching_scope, found.loop_scope, cached)
        return site, found

    # -- loops ----------------------------------------------------------------------------

    def loop_born(self, loop: Any, frame: FrameType | None) -> LiveLoop:
        """Called once a loop has been made (or is first met, for one made unseen)."""
        live = LiveLoop(loop, next(self._loop_numbers), next(self.tick))
        self._loops[id(loop)] = live
        live.ref = _Ref(loop, self._on_loop_gone)
        if self.recording:
            self._all_loops.append(live)
        hook = self.hooks[-1] if self.hooks else NOBODY
        scope = _runner_scope(hook)
        if scope is not None:
            # The common case, once a test: the hooks know, the stack need not be read.
            live.runner = "pytest-asyncio"
            live.scope = scope
            live.opened_by = self.hooks[0] if scope == "function" else hook
            return live
        live.runner, live.opened_at = sites.runner_of(frame)
        live.opened_by = hook
        if live.opened_at is None and live.runner in ("portal", "asyncio.run"):
            self._caller(live)
        if live.runner == "anyio":
            live.scope = hook.caching_scope if hook.kind == "fixture" else "function"
        if hook.kind == "unknown" and live.opened_at is not None:
            live.opened_by = Actor("code", live.opened_at.function)
        return live

    @staticmethod
    def _caller(live: LiveLoop) -> None:
        """A loop born in a thread that a library started: the caller waits in the main one."""
        main = threading.main_thread().ident
        if main is None or main == threading.get_ident():
            return
        frame = sys._current_frames().get(main)
        while frame is not None:
            runner = sites.RUNNERS.get(frame.f_globals.get("__name__", ""))
            if runner in ("TestClient", "async_to_sync"):
                live.runner = runner
            if sites.is_user_file(frame.f_code.co_filename):
                if live.runner != "asyncio.run":
                    live.opened_at = sites.site_of(frame.f_code, frame.f_lineno)
                return
            frame = frame.f_back

    def _loop_gone(self, ref: _Ref) -> None:
        live = self._loops.pop(ref.key, None)
        if live is not None:
            self.dead_loops.append(live)

    def loop(self, loop: Any) -> LiveLoop:
        """What is known of ``loop``; one that was made unseen is registered now."""
        live = self._loops.get(id(loop))
        if live is None or live.ref() is not loop:
            live = self.loop_born(loop, sys._getframe(1))
            live.runner = "unknown" if live.runner == "new_event_loop" else live.runner
        return live

    def find_loop(self, loop: Any) -> LiveLoop | None:
        """What is known of ``loop``, without registering it."""
        live = self._loops.get(id(loop))
        return live if live is not None and live.ref() is loop else None

    def loop_closed(self, loop: Any) -> None:
        live = self._loops.get(id(loop))
        if live is not None and live.closed is None and live.ref() is loop:
            live.closed = next(self.tick)
            live.closed_by = self.actor()

    def loop_runs(self, loop: Any) -> None:
        """Called each time a loop starts to run."""
        live = self._loops.get(id(loop))
        if live is None or live.ref() is not loop:
            live = self.loop(loop)
        ident = threading.get_ident()
        if live.ident != ident:
            live.ident = ident
            live.thread = threading.current_thread().name
        here = self.ran_here
        if not here or here[-1] is not live:
            here.append(live)
            if len(here) > MAX_CROSSINGS:
                del here[0]
        if self.recording and self.hooks:
            self._note_run(live)

    def _note_run(self, live: LiveLoop) -> None:
        from .records import Ran

        who = self.hooks[-1]
        last = self.ran[-1] if self.ran else None
        if last is None or (last.kind, last.name, last.loop) != (who.kind, who.name, live.name):
            self.ran.append(
                Ran(
                    who.kind,
                    who.name,
                    live.name,
                    next(self.tick),
                    who.caching_scope,
                    who.loop_scope or (live.scope if who.kind == "test" else None),
                )
            )

    # -- objects --------------------------------------------------------------------------

    def find(self, obj: Any) -> LiveObject | None:
        live = self._objects.get(id(obj))
        if live is None:
            return None
        if live.address_of is not None:
            return live if type(obj) is live.address_of else None
        return live if live.ref() is obj else None

    def built(
        self,
        obj: Any,
        driver: str,
        label: str,
        frame: FrameType | None,
        *,
        type_name: str | None = None,
        parent: LiveObject | None = None,
    ) -> LiveObject:
        """Report a construction. A subclass's constructor reports once."""
        live = self.find(obj)
        if live is not None and live.address_of is None:
            return live
        name = type_name or f"{type(obj).__module__}.{type(obj).__qualname__}"
        live = LiveObject(next(self._seqs), next(self.tick), driver, label, name)
        try:
            live.ref = _Ref(obj, self._on_object_gone)
        except TypeError:
            # A class with slots and no weak references (asyncpg's Pool): known by its address,
            # which the next object built there takes over, and never kept alive.
            live.address_of = type(obj)
        self._objects[id(obj)] = live
        if self.recording:
            self._all_objects.append(live)
        live.parent = parent
        live.built_at, live.built_by = self.capture(frame, cache=True)
        return live

    def _object_gone(self, ref: _Ref) -> None:
        self._objects.pop(ref.key, None)

    def bound(self, live: LiveObject, loop: Any, frame: FrameType | None) -> None:
        """Report that an object took ``loop`` for its own, now."""
        live.loop = self.loop(loop)
        live.bound_tick = next(self.tick)
        live.bound_at, live.bound_by = self.capture(frame)
        live.closed = False
        live.last_crossing = None

    def used(self, live: LiveObject, frame: FrameType | None) -> None:
        """Report a use on the running loop: binds an unbound object, notes a crossing."""
        loop = running_loop()
        if loop is None:
            return
        bound = live.loop
        if bound is None:
            self.bound(live, loop, frame)
        elif bound.ref() is not loop:
            self.crossed(live, loop, frame)

    def crossed(self, live: LiveObject, loop: Any, frame: FrameType | None) -> None:
        """Note a use on a loop that is not the object's own."""
        if live.loop is None or len(self.crossings) >= MAX_CROSSINGS:
            return
        using = self.loop(loop).name
        site, who = self.capture(frame)
        for old, _, _ in self.crossings:
            if (old.seq, old.used_on, old.at) == (live.seq, using, site):
                return
        from .records import Crossing

        crossing = Crossing(
            live.seq,
            live.loop.name,
            using,
            site,
            who,
            self.during,
            next(self.tick),
            live.bound_at,
            live.bound_tick,
        )
        live.kept_by = live.kept_by or holder(live)
        # As it is now: a pool may open a new connection in its place before the test ends.
        self.crossings.append((crossing, live, live.record()))
        live.last_crossing = crossing
        if self.recording:
            self._all_crossings.append(crossing)

    def objects(self) -> Iterator[LiveObject]:
        """Every object still alive."""
        return iter([one for one in self._objects.values() if one.ref() is not None])

    # -- safety ---------------------------------------------------------------------------

    def switch_off(self, probe: str, error: BaseException) -> None:
        """A probe failed: it goes quiet for good, and says so once."""
        if probe not in self.switched_off:
            self.switched_off[probe] = f"{type(error).__name__}: {error}"
            if not self.reported_elsewhere:
                log.warning("probe %s switched off: %s", probe, self.switched_off[probe])

    # -- answers --------------------------------------------------------------------------

    def snapshot(self) -> Recording:
        """The records that an explanation of the present phase can need."""
        from .records import Recording

        objects = {record.seq: record for _, _, record in self.crossings}
        loops: dict[int, LiveLoop] = {one.number: one for one in self.ran_here}
        names = {crossing.used_on for crossing, _, _ in self.crossings}
        names |= {crossing.bound_to for crossing, _, _ in self.crossings}
        for _, live, _ in self.crossings:
            if live.loop is not None and live.loop.name in names:
                loops[live.loop.number] = live.loop
        for one in itertools.chain(self._loops.values(), self.dead_loops):
            if one.name in names:
                loops[one.number] = one
        return Recording(
            tuple(loops[key].record() for key in sorted(loops)),
            tuple(objects.values()),
            tuple(crossing for crossing, _, _ in self.crossings),
            (),
            self.settings,
        )

    def whole(self) -> Recording:
        """Everything, where recording was switched on."""
        from .records import Recording

        return Recording(
            tuple(one.record() for one in self._all_loops),
            tuple(one.record() for one in self._all_objects),
            tuple(self._all_crossings),
            tuple(self.ran),
            self.settings,
        )

    @contextmanager
    def guarded(self, probe: str) -> Iterator[None]:
        """Run a probe's own code: whatever it raises stays here."""
        try:
            yield
        except Exception as error:
            self.switch_off(probe, error)


def _runner_scope(hook: Actor) -> str | None:
    """The loop scope that a pytest-asyncio runner or event_loop fixture stands for."""
    if hook.kind != "fixture":
        return None
    name = hook.name
    if name.endswith("_scoped_runner") and name[0] == "_":
        return name[1 : -len("_scoped_runner")]
    if name == "event_loop" or name.endswith("<event_loop>"):
        return hook.caching_scope
    if name.startswith("_") and name.endswith("_event_loop"):
        return hook.caching_scope
    return None


def holder(live: LiveObject) -> str | None:
    """What keeps an object alive beyond one test, where a look at the suite's modules tells."""
    alive = [live.ref(), live.parent.ref() if live.parent else None]
    targets = [one for one in alive if one is not None]
    for module_name, module in list(sys.modules.items()):
        if not sites.is_user_file(getattr(module, "__file__", None) or ""):
            continue
        for name, value in list(vars(module).items()):
            if any(_same(value, target) for target in targets):
                return f"module-level name {module_name}.{name}"
    built_by = live.parent.built_by if live.parent else live.built_by
    return f"functools cache {built_by.cache}" if built_by.cache else None


def _same(value: Any, target: Any) -> bool:
    if value is target:
        return True
    # An AsyncEngine is a proxy made on demand: what is tracked is the dialect behind it.
    if getattr(type(value), "__name__", "") != "AsyncEngine":
        return False
    return getattr(getattr(value, "sync_engine", None), "dialect", None) is target


TRACKER = Tracker()
