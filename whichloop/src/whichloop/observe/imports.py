"""Noticing that the suite imported a driver, without importing it ourselves."""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from whichloop.observe import peek


class ImportWatcher:
    """A meta path finder that finds nothing itself: it lets the others find a watched module,
    and reports the module once its own code has run, before the importer goes on."""

    def __init__(self) -> None:
        self._watched: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._busy: set[str] = set()

    def watch(self, name: str, report: Callable[[ModuleType], None]) -> None:
        """Call ``report(module)`` when ``name`` is imported; at once if it already is."""
        module = sys.modules.get(name)
        being_loaded = peek.attribute(module, "__spec__", "_initializing") is True
        if module is not None and not being_loaded:
            report(module)
            return
        self._watched.setdefault(name, []).append(report)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._watched or name in self._busy:
            return None
        self._busy.add(name)
        try:
            for finder in sys.meta_path:
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    self._hook(spec)
                    return spec
        finally:
            self._busy.discard(name)
        return None

    def _hook(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        original = getattr(loader, "exec_module", None)
        if original is None:
            return

        def exec_module(module: ModuleType) -> None:
            # The instance attribute goes first: a reload, or a traceback, meets the real loader.
            vars(loader).pop("exec_module", None)
            original(module)
            for report in self._watched.pop(spec.name, []):
                report(module)

        try:
            loader.exec_module = exec_module
        except AttributeError:  # a loader with slots: this module goes unseen
            self._watched.pop(spec.name, None)

    def uninstall(self) -> None:
        """Find nothing more, and stand in nobody's way."""
        self._watched.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)
