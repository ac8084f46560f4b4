"""Switching the probes on and off for the whole process."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from whichloop.observe import loops
from whichloop.observe.imports import ImportWatcher
from whichloop.observe.probes import REGISTRY, Patcher
from whichloop.observe.tracker import TRACKER

_watcher: ImportWatcher | None = None
_patchers: list[Patcher] = []


def _installer(probe: Any) -> Any:
    def report(module: ModuleType) -> None:
        if probe.name in TRACKER.switched_off:
            return
        patcher = Patcher(probe.name)
        try:
            probe.install(module, patcher)
        except Exception as error:
            # Another version with other private names: half a probe is worse than none.
            _quietly(patcher)
            TRACKER.switch_off(probe.name, error)
            return
        _patchers.append(patcher)

    return report


def _quietly(patcher: Patcher) -> None:
    try:
        patcher.undo()
    except Exception as error:
        TRACKER.switch_off(patcher.probe, error)


def install() -> bool:
    """Start watching; False if it already was. Drivers imported later are met when imported."""
    global _watcher
    if _watcher is not None:
        return False
    loops.install()
    _watcher = ImportWatcher()
    _watcher.watch("uvloop", loops.install_uvloop)
    for probe in REGISTRY:
        for module in probe.modules:
            _watcher.watch(module, _installer(probe))
    _watcher.install()
    return True


def uninstall() -> None:
    """Take every probe out and forget what was seen."""
    global _watcher
    if _watcher is None:
        return
    _watcher.uninstall()
    _watcher = None
    while _patchers:
        _quietly(_patchers.pop())
    loops.uninstall()
    TRACKER.reset()
