"""The live side: what is built, bound and used, on which loop, by whom.

State is kept by identity and weakly: a loop or an object that would be collected without whichloop
is collected with it. What outlives them is text and numbers.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from whichloop.observe import frames, peek
from whichloop.observe.loops import LiveLoop, LoopTable, Ref
from whichloop.observe.owners import Look, Seen, Values, called_at, met, owned
from whichloop.records import Crossing, Failure, ObjectRecord, Ran, Recording, Settings

log = logging.getLogger("whichloop")
running_loop = asyncio._get_running_loop

# Enough for any report; a suite that crosses a thousand times in one test says it once.
MAX_CROSSINGS = 50


class LiveObject:
    """A loop-bound object while the suite runs: its record so far, its loop, what it is part of.
    ``is_closed``, where its probe gives one, tells from the object whether nothing is open."""

    __slots__ = ("address_of", "is_closed", "loop", "parent", "record", "ref")

    def __init__(self, record: ObjectRecord, is_closed: Callable[[Any], bool] | None) -> None:
        self.record = record
        self.is_closed = is_closed
        self.ref: Callable[[], Any] = lambda: None
        self.address_of: type | None = None
        self.loop: LiveLoop | None = None
        self.parent: LiveObject | None = None

    def note(self, **changes: Any) -> None:
        """Change what the record says."""
        self.record = self.record._replace(**changes)

    def part_of(self, owner: "LiveObject | None", *, made_by: bool = True) -> None:
        """It is a part of ``owner``; ``made_by``: made on demand, so who built that owns it."""
        if owner is not None:
            self.parent, whole = owner, owner.record
            self.note(part_of=whole.type)
            if made_by:
                self.note(built_at=whole.built_at, built_by=whole.built_by)


class ObjectTable:
    """Every loop-bound object there is, by address."""

    def __init__(self) -> None:
        self.alive: dict[int, LiveObject] = {}
        self.all: list[LiveObject] | None = None  # filled while recording

    def find(self, obj: Any) -> LiveObject | None:
        """What is known of an object; None for one that no probe reported."""
        live = self.alive.get(id(obj))
        if live is None:
            return None
        known = type(obj) is live.address_of if live.address_of else live.ref() is obj
        return live if known else None

    def add(self, obj: Any, live: LiveObject) -> None:
        try:
            live.ref = ref = Ref(obj, self._gone)
            ref.key = id(obj)
        except TypeError:
            # A class with slots and no weak references (asyncpg's Pool): known by its address,
            # which the next object built there takes over, and never kept alive.
            live.address_of = type(obj)
        self.alive[id(obj)] = live
        if self.all is not None:
            self.all.append(live)

    def _gone(self, ref: Ref) -> None:
        self.alive.pop(ref.key, None)

    def __iter__(self) -> Iterator[LiveObject]:
        return iter([live for live in self.alive.values() if live.ref() is not None])


class Tracker:
    """One per process (``TRACKER``). Probes and hooks report to it; it answers with records."""

    def __init__(self) -> None:
        self.scene = frames.Scene()
        self._tick = itertools.count(1)
        self.loops = LoopTable(self.scene, self._tick)
        self.objects = ObjectTable()
        self._seqs = itertools.count(1)
        self.loop, self.find = self.loops.of, self.objects.find
        # Of the phase now running, with the object and its record at the time of the use: a pool
        # may open a new connection in its place before the test ends.
        self.crossings: list[tuple[Crossing, LiveObject, ObjectRecord]] = []
        self.all_crossings: list[Crossing] = []
        self.ran: list[Ran] = []
        self.recording = False
        self.settings = Settings()
        self.left_open: set[int] = set()  # by number, each object that strict mode has named
        self.switched_off: dict[str, str] = {}
        # The plugin says it in the summary: a log record would reach the suite's own caplog.
        self.reported_elsewhere = False

    def reset(self) -> None:
        """Forget everything; used when a pytest session ends."""
        vars(self).update(vars(Tracker()))

    def record(self, on: bool) -> None:
        """Keep everything from now on, for :meth:`whole`; or no longer."""
        self.recording = on
        if on and self.loops.all is None:
            self.loops.all, self.objects.all = [], []

    def switch_off(self, probe: str, error: BaseException) -> None:
        """A probe failed: it goes quiet for good, and says so once."""
        if probe not in self.switched_off:
            self.switched_off[probe] = f"{type(error).__name__}: {error}"
            if not self.reported_elsewhere:
                log.warning("probe %s switched off: %s", probe, self.switched_off[probe])

    @contextmanager
    def guarded(self, probe: str) -> Iterator[None]:
        """Run a probe's own code: whatever it raises stays here."""
        try:
            yield
        except Exception as error:
            self.switch_off(probe, error)

    def built(
        self,
        obj: Any,
        driver: str,
        label: str,
        frame: FrameType | None,
        *,
        type_name: str | None = None,
        is_closed: Callable[[Any], bool] | None = None,
        loop: Any = None,
    ) -> LiveObject:
        """Report a construction by ``frame``, of what has taken ``loop`` at once if that is given.
        A subclass's constructor reports once."""
        live = self.find(obj)
        if live is None or live.address_of is not None:
            type_name = type_name or ".".join(peek.class_of(obj))
            seq, born = next(self._seqs), next(self._tick)
            at, by = self.scene.capture(frame, cache=True)
            inside = frames.inside(frame) if driver == "asyncio" else None
            record = ObjectRecord(seq, driver, label, type_name, at, by, born=born, inside=inside)
            live = LiveObject(record, is_closed)
            self.objects.add(obj, live)
        if loop is not None:
            self.bound(live, loop, frame)
        return live

    def bound(self, live: LiveObject, loop: Any, frame: FrameType | None) -> None:
        """Report that an object took ``loop`` for its own, now."""
        live.loop = self.loop(loop)
        name, tick = live.loop.record.id, next(self._tick)
        at, by = self.scene.capture(frame)
        live.note(bound_to=name, bound=tick, bound_at=at, bound_by=by, closed=False)
        live.note(left_by=None, left_on=None)

    def at_home(self, obj: Any) -> bool:
        """Is there surely nothing to report of a use now: not tracked, or on its own loop?"""
        live = self.objects.alive.get(id(obj))
        return live is None or (live.loop is not None and live.loop.ref() is running_loop())

    def used(self, live: LiveObject | None, frame: FrameType | None, own: Any = None) -> None:
        """Report a use on the running loop: binds an unbound object, notes a crossing. ``own`` is
        the loop that the object itself holds, where nobody saw since when."""
        loop = running_loop()
        if live is None or loop is None:
            return
        if own is not None and (live.loop is None or live.loop.ref() is not own):
            live.loop = self.loop(own)
            live.note(bound_to=live.loop.record.id)
        if live.loop is None:
            self.bound(live, loop, frame)
        elif live.loop.ref() is not loop and len(self.crossings) < MAX_CROSSINGS:
            self.crossed(live, self.loop(loop).record.id, frame)

    def crossed(self, live: LiveObject, using: str, frame: FrameType | None) -> None:
        """Note a use on the loop ``using``, which is not the object's."""
        site, who = self.scene.capture(frame)
        record = live.record
        noted = {(use.seq, use.used_on, use.at) for use, *_ in self.crossings}
        if (record.seq, using, site) in noted:
            return
        home, during, tick = record.bound_to or "", self.scene.during, next(self._tick)
        crossing = Crossing(
            record.seq, home, using, site, who, during, tick, record.bound_at, record.bound
        )
        self.crossings.append((crossing, live, live.record))
        live.note(left_by=during, left_on=using)
        if self.recording:
            self.all_crossings.append(crossing)

    def loop_runs(self, loop: Any) -> None:
        """Report that a loop starts to run."""
        live = self.loops.runs(loop)
        if not self.recording or not self.scene.hooks:
            return
        who, name = self.scene.hooks[-1], live.record.id
        last = self.ran[-1] if self.ran else None
        if last is None or (last.kind, last.name, last.loop) != (who.kind, who.name, name):
            scope = who.loop_scope or (live.record.scope if who.kind == "test" else None)
            tick = next(self._tick)
            self.ran.append(Ran(who.kind, who.name, name, tick, who.caching_scope, scope))

    def snapshot(self) -> Recording:
        """The records that an explanation of the present phase can need."""
        running = self._running()
        names = {live.record.id for live in (*self.loops.ran_here, running) if live is not None}
        names |= {name for use, *_ in self.crossings for name in (use.used_on, use.bound_to)}
        bound = [live.loop for _, live, _ in self.crossings if live.loop is not None]
        known = [*self.loops.ran_here, *bound, *self.loops.alive.values(), *self.loops.dead]
        loops = {live.record.id: live.record for live in known if live.record.id in names}
        return Recording(
            tuple(sorted(loops.values(), key=lambda loop: loop.born)),
            tuple({record.seq: record for *_, record in self.crossings}.values()),
            tuple(crossing for crossing, *_ in self.crossings),
            settings=self.settings,
        )

    def whole(self) -> Recording:
        """Everything, where recording was switched on."""
        return Recording(
            tuple(live.record for live in self.loops.all or ()),
            tuple(live.record for live in self.objects.all or ()),
            tuple(self.all_crossings),
            tuple(self.ran),
            self.settings,
        )

    def evidence(
        self,
        error: BaseException,
        during: str,
        phase: str,
        objects_in: Look,
        is_told: Callable[[Failure], bool],
        fixtures: Values = tuple,
    ) -> tuple[Failure, Recording]:
        """An exception as records, with what was seen in this phase. Where nothing crossed, and
        ``is_told`` says that the message is about loops, that is the loop-bound objects that
        ``objects_in`` reads from the traceback's own values. ``fixtures`` are those of the test."""
        failure, passed = frames.failure_of(error, during, phase)
        ran, running = self.loops.ran_here, self._running()
        failure = failure._replace(
            used_on=ran[-1].record.id if ran else None,
            running=running.record.id if running else None,
            fixture=self.scene.fixture_in(passed),
        )
        told, lines = is_told(failure), {frame.site for frame in failure.frames}
        about = [use for use, *_ in self.crossings if told or use.at in lines]
        about = [use for use in about if use.at in lines] or about
        self.find_owners(about[-1:], passed, fixtures)
        recording = self.snapshot()
        if recording.crossings or not told:
            return failure, recording
        chain = frames.chain_of(error)
        called = tuple(called_at(raised, objects_in, passed, fixtures) for raised in chain)
        seen = met(passed, failure.used_on, objects_in, fixtures)
        loops = {loop.id: loop for loop in recording.loops}
        loops |= {one.loop.record.id: one.loop.record for one in seen if one.loop is not None}
        chosen = tuple(one.record for one in seen)
        left_on = {record.left_on for record in chosen}
        loops |= {loop.id: loop for loop in self.loops.records() if loop.id in left_on}
        recording = recording._replace(loops=tuple(loops.values()), objects=chosen)
        return failure._replace(called=called), recording

    def find_owners(
        self, about: list[Crossing], passed: list[FrameType], fixtures: Values = tuple
    ) -> None:
        """Note what keeps the objects that crossed where these did, and what leads to them."""
        places = {use.at for use in about}
        for at, (use, live, record) in enumerate(self.crossings):
            if use.at in places:
                frames.note_keeper(live)
                record = record._replace(kept_by=live.record.kept_by)
                # That a fixture built it is enough to know of a driver's object.
                known = record.driver != "asyncio" and record.built_by.kind == "fixture"
                if record.kept_by is None and not known:
                    parents = [live.parent.ref()] if live.parent else []
                    record = owned(Seen(record, live.loop, live.ref()), parents, passed, fixtures)
                    live.note(kept_by=record.kept_by)
                self.crossings[at] = use, live, record

    def _running(self) -> LiveLoop | None:
        """The loop that runs in this thread. Between two tests there should be none."""
        loop = running_loop()
        return None if loop is None else self.loop(loop)


TRACKER = Tracker()
