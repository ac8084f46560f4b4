"""Which object lives on which event loop, whose loop that is, and what to do about it."""

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
