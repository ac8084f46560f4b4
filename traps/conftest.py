"""Each folder in here is a side of its own, with its own pytest.ini."""

import pytest


def pytest_configure() -> None:
    """Refuse: not while this file is imported, or pytest would call it an ImportError."""
    raise pytest.UsageError(
        "traps/ holds one folder a popular answer, and each runs in a pytest of its own.\n"
        "Try: make traps (the list), make trap-1, or pytest traps/01_event_loop_override"
    )
