"""Probes: one small module a driver, installed when the suite imports that driver.

A probe is any object with

* ``name``: shown when it is switched off;
* ``modules``: the names of the modules whose import calls for it;
* ``install(module, patch)``: called once for each of those modules, after it was imported;
  ``patch`` is a :class:`~whichloop.observe.probes.patcher.Patcher`, which undoes everything;
* ``read(obj)``: the :class:`Reading` of an object of this driver, or None for any other object.
  It looks only at what the object already holds, and never waits, connects or imports.

A probe reads with :mod:`whichloop.observe.peek` and calls nothing of what it looks at: it may be a
mock. Others are found through the entry point group ``whichloop.probes``.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from whichloop.observe.probes.patcher import Patcher


class Reading(NamedTuple):
    """What a look at one object told. ``loops`` holds the loops it is bound to, none where it is
    not bound yet; ``looked_at`` names the attributes the answer rests on."""

    label: str
    loops: tuple[Any, ...]
    looked_at: tuple[str, ...]


@runtime_checkable
class Probe(Protocol):
    name: str
    modules: tuple[str, ...]

    def install(self, module: ModuleType, patch: Patcher) -> None: ...

    def read(self, obj: Any) -> Reading | None: ...
