"""Every probe there is: installed for the whole process, taken out again, asked in turn."""

import contextlib
import functools
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.owners import Seen
from whichloop.observe.probes import (
    Probe,
    Reading,
    event_loops,
    general,
    httpcore,
    primitives,
    pymongo,
    redis,
    sqlalchemy,
)
from whichloop.observe.probes.patcher import Patcher, unseen
from whichloop.observe.tracker import TRACKER
from whichloop.records import ObjectRecord

MODULES = (event_loops, primitives, sqlalchemy, redis, httpcore)
BUILT_IN = [*MODULES, *pymongo.PROBES, *general.DRIVERS, general]


class Registry:
    """The probes in the order in which they are asked, and what they have changed. As a meta path
    finder it finds nothing itself: it lets the others find a driver's module, and has it probed
    once its own code has run, before the importer goes on."""

    def __init__(self) -> None:
        self._installed = False
        self._waiting: dict[str, list[Any]] = {}  # probes, by the module that calls for them
        self._changes = contextlib.ExitStack()

    @functools.cached_property
    def probes(self) -> list[Any]:
        """One from outside knows its driver better than the general one: it comes first."""
        return [*_from_entry_points(), *BUILT_IN]

    def install(self) -> bool:
        """Start watching the whole process; False if it already was. Drivers imported later are met
        when they are imported."""
        if self._installed:
            return False
        self._installed = True
        for probe in self.probes:
            for name in probe.modules:
                module = sys.modules.get(name)
                if module is None or peek.attribute(module, "__spec__", "_initializing") is True:
                    self._waiting.setdefault(name, []).append(probe)
                else:
                    self._met(probe, module)
        sys.meta_path.insert(0, self)
        return True

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        waiting = self._waiting.pop(name, None)
        if waiting is None:
            return None
        try:
            spec = importlib.util.find_spec(name)  # asks the others: nobody waits for it here
        finally:
            self._waiting[name] = waiting
        if spec is not None:
            self._follow(spec)
        return spec

    def _follow(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        original = getattr(loader, "exec_module", None)
        if original is None:
            return

        def exec_module(module: ModuleType) -> None:
            # The instance attribute goes first: a reload, or a traceback, meets the real loader.
            vars(loader).pop("exec_module", None)
            original(module)
            for probe in self._waiting.pop(spec.name, []):
                self._met(probe, module)

        unseen(exec_module)
        with contextlib.suppress(AttributeError):  # a loader with slots: it goes unseen
            loader.exec_module = exec_module

    def _met(self, probe: Any, module: ModuleType) -> None:
        if probe.name in TRACKER.switched_off:
            return
        patcher = Patcher(probe.name)
        try:
            probe.install(module, patcher)
        except Exception as error:
            # Another version with other private names: half a probe is worse than none.
            patcher.undo()
            TRACKER.switch_off(probe.name, error)
        else:
            self._changes.callback(patcher.undo)

    def uninstall(self) -> None:
        """Take every probe out and forget what was seen."""
        if not self._installed:
            return
        self._installed = False
        self._waiting.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._changes.close()
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

    def objects_in(self, values: Iterable[Any]) -> Iterator[Seen]:
        """The loop-bound objects among values."""
        for value in values:
            live = TRACKER.find(value)
            if live is not None:
                yield Seen(live.record, live.loop, value)
                continue
            reading = self.read(value)
            if reading is not None and reading.loops:
                loop = TRACKER.loop(reading.loops[-1])
                driver, kind = reading.label.split()[0].lower(), peek.class_of(value)[1]
                record = ObjectRecord(-1, driver, reading.label, kind, bound_to=loop.record.id)
                yield Seen(record, loop, value)


def _from_entry_points() -> Iterator[Any]:
    for entry in metadata.entry_points(group="whichloop.probes"):
        try:
            probe = entry.load()
            if not isinstance(probe, Probe):
                raise TypeError(f"{entry.value} has not the attributes of a probe")
        except Exception as error:
            TRACKER.switch_off(entry.name, error)
        else:
            yield probe


REGISTRY = Registry()
