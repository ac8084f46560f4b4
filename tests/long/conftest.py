"""A checkout that the tests of this folder change and restore, and other versions beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.support import environments
from tests.support.checkouts import Checkout


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout for all of the tests, one after the other."""
    return Checkout(tmp_path_factory.mktemp("copied") / "checkout")


@pytest.fixture(scope="session")
def beside(copied: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The interpreter of an environment with other pins on top of the checkout's packages."""

    @cache
    def made(pins: str) -> str:
        if not pins:
            return copied.python
        folder = tmp_path_factory.mktemp("beside") / pins
        return environments.make(folder, copied.python, pins, below=copied.packages)

    return made
