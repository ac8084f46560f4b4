"""Probes: one small module a driver, installed when the suite imports that driver.

A probe is any object with

* ``name``: shown when it is switched off;
* ``modules``: the names of the modules whose import calls for it;
* ``install(module, patch)``: called once for each of those modules, after it was imported;
  ``patch`` is a :class:`Patcher`, which undoes everything at the end;
* ``read(obj)``: the :class:`Reading` of an object of this driver, or None for any other object.
  It looks only at what the object already holds, and never waits, connects or imports.

Others are found through the entry point group ``whichloop.probes``.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from whichloop.observe.live import LiveObject
from whichloop.observe.tracker import TRACKER

BUILT_IN = (
    "primitives",
    "motor",
    "pymongo",
    "sqlalchemy",
    "asyncpg",
    "redis",
    "httpcore",
    "psycopg_pool",
    "general",
)
ENTRY_POINTS = "whichloop.probes"


class Reading(NamedTuple):
    """What a look at one object told. ``loops`` holds the loops it is bound to, none where it is
    not bound yet; ``looked_at`` names the attributes the answer rests on."""

    label: str
    loops: tuple[Any, ...]
    looked_at: tuple[str, ...]


@runtime_checkable
class Probe(Protocol):
    """The shape of a probe; see the module's text."""

    name: str
    modules: tuple[str, ...]

    def install(self, module: ModuleType, patch: Patcher) -> None: ...

    def read(self, obj: Any) -> Reading | None: ...


def _itself(obj: Any, *args: Any, **kwargs: Any) -> Any:
    return obj


class Patcher:
    """Changes to a driver's classes on behalf of one probe, each of which can be undone."""

    def __init__(self, probe: str) -> None:
        self.probe = probe
        self._undo: list[Callable[[], None]] = []

    def on_undo(self, action: Callable[[], None]) -> None:
        """Have ``action`` called when the probe is taken out."""
        self._undo.append(action)

    def before(self, owner: Any, name: str, see: Callable[..., None]) -> None:
        """Call ``see(frame, self, …)`` before each call of the method ``owner.name``."""
        self._wrap(owner, name, see, after=False)

    def after(self, owner: Any, name: str, see: Callable[..., None]) -> None:
        """Call ``see(frame, self, …)`` after each call that returned. For a coroutine function
        that is before its first step: nothing is ever awaited by the wrapper, so no line of
        ours comes between a coroutine and the one that awaits it."""
        self._wrap(owner, name, see, after=True)

    def use(self, owner: Any, name: str, of: Callable[..., Any] = _itself) -> None:
        """Count each call of the method ``owner.name`` as a use of ``of(self, …)``.

        What ``before`` with ``TRACKER.used`` does, for methods that every test calls many times:
        an object on its own loop is let through after two look-ups, with no look at the stack.
        """
        original = getattr(owner, name)
        probe = self.probe
        off = TRACKER.switched_off

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if probe not in off:
                try:
                    used = self if of is _itself else of(self, *args, **kwargs)
                    if not TRACKER.at_home(used):
                        use(TRACKER.find(used), sys._getframe(1))
                except Exception as error:
                    TRACKER.switch_off(probe, error)
            return original(self, *args, **kwargs)

        self._put(owner, name, wrapper)

    def _wrap(self, owner: Any, name: str, see: Callable[..., None], after: bool) -> None:
        original = getattr(owner, name)
        probe = self.probe
        off = TRACKER.switched_off

        if after:

            @functools.wraps(original)
            def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                result = original(self, *args, **kwargs)
                if probe not in off:
                    try:
                        see(sys._getframe(1), self, *args, **kwargs)
                    except Exception as error:
                        TRACKER.switch_off(probe, error)
                return result

        else:

            @functools.wraps(original)
            def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                if probe not in off:
                    try:
                        see(sys._getframe(1), self, *args, **kwargs)
                    except Exception as error:
                        TRACKER.switch_off(probe, error)
                return original(self, *args, **kwargs)

        self._put(owner, name, wrapper)

    def _put(self, owner: Any, name: str, wrapper: Any) -> None:
        own = name in vars(owner)
        original = getattr(owner, name)
        _keep_kind(original, wrapper)
        setattr(owner, name, wrapper)

        def undo() -> None:
            if vars(owner).get(name) is wrapper:
                if own:
                    setattr(owner, name, original)
                else:
                    delattr(owner, name)

        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, last change first."""
        while self._undo:
            self._undo.pop()()


def _keep_kind(original: Any, wrapper: Any) -> None:
    """A wrapped coroutine function goes on being recognised as one."""
    if not inspect.iscoroutinefunction(original):
        return
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(wrapper)
    else:
        from asyncio import coroutines

        marker = getattr(coroutines, "_is_coroutine", None)
        if marker is not None:
            wrapper._is_coroutine = marker


def use(live: LiveObject | None, frame: FrameType) -> None:
    """Report a use of a tracked object on the running loop, if there are both."""
    if live is not None:
        TRACKER.used(live, frame)


class Registry:
    """Every probe there is, in the order in which they are asked."""

    def __init__(self) -> None:
        self._probes: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._probes is None:
            self._probes = [import_module(f"{__name__}.{name}").PROBE for name in BUILT_IN]
            # A probe from outside knows its driver better than the general one: it comes first.
            self._probes[:0] = list(_from_entry_points())
        return iter(self._probes)

    def read(self, obj: Any) -> Reading | None:
        """The first probe's answer; a probe that fails is passed over and switched off."""
        if isinstance(obj, type):
            return None
        for probe in self:
            if probe.name in TRACKER.switched_off:
                continue
            try:
                reading: Reading | None = probe.read(obj)
            except Exception as error:
                TRACKER.switch_off(probe.name, error)
                continue
            if reading is not None:
                return reading
        return None


def _offered() -> bool:
    """Is there a package that offers probes? importlib.metadata takes longer to say so than a
    look at the files, and hardly any run has one."""
    for folder in sys.path:
        with contextlib.suppress(OSError), os.scandir(folder or os.curdir) as entries:
            for entry in entries:
                if entry.name.endswith((".dist-info", ".egg-info")) and _names_the_group(entry):
                    return True
    return False


def _names_the_group(entry: os.DirEntry[str]) -> bool:
    try:
        with open(os.path.join(entry.path, "entry_points.txt"), "rb") as file:
            return f"[{ENTRY_POINTS}]".encode() in file.read()
    except OSError:
        return False


def _from_entry_points() -> Iterator[Any]:
    if not _offered():
        return
    from importlib import metadata

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
