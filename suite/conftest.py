"""The suite is wired by a side; on its own it has no fixtures."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # In a hook, because pytest wraps what an import raises into an ImportError.
    raise pytest.UsageError(
        "suite/ holds the tests that every side runs; it is not a side itself.\n"
        "Try: pytest broken, or make reproduce"
    )
