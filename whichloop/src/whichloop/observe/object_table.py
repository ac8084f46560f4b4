"""Every loop-bound object there is: who built it, where it bound, and where it crossed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from whichloop.observe import frames as sites
from whichloop.observe.live import LiveObject, Ref
from whichloop.observe.loop_table import LoopTable, running_loop

if TYPE_CHECKING:
    from whichloop.records import Crossing, ObjectRecord

# Enough for any report; a suite that crosses a thousand times in one test says it once.
MAX_CROSSINGS = 50


class ObjectTable(LoopTable):
    """Objects by identity, held weakly; ``crossings`` are those of the phase now running."""

    def __init__(self) -> None:
        super().__init__()
        self.crossings: list[tuple[Crossing, LiveObject, ObjectRecord]] = []
        self.all_objects: list[LiveObject] = []
        self.all_crossings: list[Crossing] = []
        self._seqs = itertools.count(1)
        self._objects: dict[int, LiveObject] = {}

    def find(self, obj: Any) -> LiveObject | None:
        live = self._objects.get(id(obj))
        if live is None:
            return None
        if live.address_of is not None:
            return live if type(obj) is live.address_of else None
        return live if live.ref() is obj else None

    def at_home(self, obj: Any) -> bool:
        """Is there surely nothing to report of a use now: not tracked, or on its own loop?"""
        live = self._objects.get(id(obj))
        return live is None or (live.loop is not None and live.loop.ref() is running_loop())

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
            live.ref = ref = Ref(obj, self._object_gone)
            ref.key = id(obj)
        except TypeError:
            # A class with slots and no weak references (asyncpg's Pool): known by its address,
            # which the next object built there takes over, and never kept alive.
            live.address_of = type(obj)
        self._objects[id(obj)] = live
        if self.recording:
            self.all_objects.append(live)
        live.parent = parent
        live.built_at, live.built_by = self.capture(frame, cache=True)
        return live

    def _object_gone(self, ref: Ref) -> None:
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
        from whichloop.records import Crossing

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
            self.all_crossings.append(crossing)

    def objects(self) -> Iterator[LiveObject]:
        """Every object still alive."""
        return iter([one for one in self._objects.values() if one.ref() is not None])


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
