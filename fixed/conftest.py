"""Each folder in here is a side of its own, with its own pytest.ini."""

import pytest


def pytest_configure() -> None:
    """Refuse: not while this file is imported, or pytest would call it an ImportError."""
    raise pytest.UsageError(
        "fixed/ holds one folder a remedy, and each runs in a pytest of its own.\n"
        "Try: make fixes (the list), make fix-3, or pytest fixed/03_function_fixture_loop_scope"
    )
