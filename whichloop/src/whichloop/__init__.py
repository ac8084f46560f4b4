"""Which object lives on which event loop, whose loop that is, and what to do about it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whichloop.library import (
        Binding,
        LoopMismatch,
        assert_same_loop,
        install,
        loop_of,
        uninstall,
        watch,
    )
    from whichloop.observe.probes import Probe, Reading
    from whichloop.observe.probes.patcher import Patcher
    from whichloop.observe.tracker import TRACKER

__all__ = [
    "TRACKER",
    "Binding",
    "LoopMismatch",
    "Patcher",
    "Probe",
    "Reading",
    "assert_same_loop",
    "install",
    "loop_of",
    "uninstall",
    "watch",
]
_HOME = {
    "TRACKER": "observe.tracker",
    "Patcher": "observe.probes.patcher",
    "Probe": "observe.probes",
    "Reading": "observe.probes",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # each module of the package imports this one first

    value = getattr(import_module(f"{__name__}.{_HOME.get(name, 'library')}"), name)
    globals()[name] = value
    return value
