"""Which object lives on which event loop, whose loop that is, and what to do about it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whichloop.library import Binding, LoopMismatch, assert_same_loop, loop_of
    from whichloop.observe.probes import Patcher, Probe, Reading
    from whichloop.observe.tracker import TRACKER
    from whichloop.observe.watching import install, uninstall
    from whichloop.watch import watch

_HOME = {
    "TRACKER": "observe.tracker",
    "Binding": "library",
    "LoopMismatch": "library",
    "Patcher": "observe.probes",
    "Probe": "observe.probes",
    "Reading": "observe.probes",
    "assert_same_loop": "library",
    "install": "observe.watching",
    "loop_of": "library",
    "uninstall": "observe.watching",
    "watch": "watch",
}

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


def __getattr__(name: str) -> Any:
    # On first use: every pytest run imports this package, and most need none of these names.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
