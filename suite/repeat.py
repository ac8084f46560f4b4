"""A pytest plugin that runs the DAO tests several times over: `addopts = -p suite.repeat`.

A leak that a suite of this size survives is fatal to a larger one. The repetitions keep their node
ids, so that the side can be compared with the others.
"""

import copy
import os
from collections.abc import Sequence

import pytest

REPEAT = int(os.environ.get("SUITE_REPEAT", "25"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put REPEAT copies of every DAO test in its place."""
    items[:] = [copied for item in items for copied in _repetitions(item)]


def _repetitions(item: pytest.Item) -> Sequence[pytest.Item]:
    if not (isinstance(item, pytest.Function) and item.path.name == "test_conversation_dao.py"):
        return [item]
    copies = [copy.copy(item) for _ in range(REPEAT)]
    for repetition in copies:
        repetition._initrequest()  # for fixture values, and a loop, of its own
    return copies
