"""Each folder in here is a side of its own, with its own pytest.ini."""

import pytest

raise pytest.UsageError(
    "traps/ holds one folder a popular answer, and each runs in a pytest of its own.\n"
    "Try: make traps (the list), make trap-1, or pytest traps/01_event_loop_override"
)
