"""Every probe there is: installed for the whole process, taken out again, asked in turn."""

import functools
import sys
from collections.abc import Iterator
from importlib import metadata
from types import FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.frames import locals_of
from whichloop.observe.imports import ImportWatcher
from whichloop.observe.loops import LiveLoop
from whichloop.observe.probes import (
    Probe,
    Reading,
    asyncpg,
    event_loops,
    general,
    httpcore,
    motor,
    primitives,
    psycopg_pool,
    pymongo,
    redis,
    sqlalchemy,
)
from whichloop.observe.probes.patcher import Patcher
from whichloop.observe.tracker import TRACKER
from whichloop.records import ObjectRecord

DRIVERS = (motor, pymongo, sqlalchemy, asyncpg, redis, httpcore, psycopg_pool)
BUILT_IN = [module.PROBE for module in (event_loops, primitives, *DRIVERS, general)]
ENTRY_POINTS = "whichloop.probes"


class Registry:
    """The probes in the order in which they are asked, and what they have changed."""

    def __init__(self) -> None:
        self._watcher: ImportWatcher | None = None
        self._patchers: list[Patcher] = []

    @functools.cached_property
    def probes(self) -> list[Any]:
        """One from outside knows its driver better than the general one: it comes first."""
        return [*_from_entry_points(), *BUILT_IN]

    def install(self) -> bool:
        """Start watching the whole process; False if it already was. Drivers imported later are met
        when they are imported."""
        if self._watcher is not None:
            return False
        self._watcher = ImportWatcher()
        for probe in self.probes:
            for module in probe.modules:
                self._watcher.watch(module, functools.partial(self._met, probe))
        sys.meta_path.insert(0, self._watcher)
        return True

    def _met(self, probe: Any, module: ModuleType) -> None:
        if probe.name in TRACKER.switched_off:
            return
        patcher = Patcher(probe.name)
        try:
            probe.install(module, patcher)
        except Exception as error:
            # Another version with other private names: half a probe is worse than none.
            self._undo(patcher)
            TRACKER.switch_off(probe.name, error)
        else:
            self._patchers.append(patcher)

    @staticmethod
    def _undo(patcher: Patcher) -> None:
        with TRACKER.guarded(patcher.probe):
            patcher.undo()

    def uninstall(self) -> None:
        """Take every probe out and forget what was seen."""
        if self._watcher is None:
            return
        self._watcher.uninstall()
        self._watcher = None
        while self._patchers:
            self._undo(self._patchers.pop())
        TRACKER.reset()

    def read(self, obj: Any) -> Reading | None:
        """The first probe's answer; a probe that fails is passed over and switched off."""
        if peek.is_a(obj, type):
            return None
        for probe in self.probes:
            if probe.name in TRACKER.switched_off:
                continue
            with TRACKER.guarded(probe.name):
                reading: Reading | None = probe.read(obj)
                if reading is not None:
                    return reading
        return None

    def objects_in(self, frames: list[FrameType]) -> list[tuple[ObjectRecord, LiveLoop | None]]:
        """The loop-bound objects among the values of frames, each with its loop."""
        objects: list[tuple[ObjectRecord, LiveLoop | None]] = []
        for value in locals_of(frames):
            live = TRACKER.find(value)
            if live is not None:
                objects.append((live.record, live.loop))
                continue
            reading = self.read(value)
            if reading is not None and reading.loops:
                loop = TRACKER.loop(reading.loops[-1])
                record = ObjectRecord(
                    -1,
                    reading.label.split()[0].lower(),
                    reading.label,
                    peek.class_of(value)[1],
                    bound_to=loop.record.id,
                )
                objects.append((record, loop))
        return objects


def _from_entry_points() -> Iterator[Any]:
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            probe = entry.load()
            if not isinstance(probe, Probe):
                raise TypeError(f"{entry.value} has not the attributes of a probe")
        except Exception as error:
            TRACKER.switch_off(entry.name, error)
            continue
        yield probe


REGISTRY = Registry()
