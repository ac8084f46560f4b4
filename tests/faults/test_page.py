"""The page and the tests name the same faults."""

import pytest

from tests.faults.page import PAGE, titles


def test_the_page_has_a_line_for_each_fault_and_no_other(request: pytest.FixtureRequest) -> None:
    marked = [mark.args[0] for item in request.session.items for mark in item.iter_markers("fault")]

    assert len(set(marked)) == len(marked)
    if request.config.getoption("--write-faults"):
        return
    assert titles(PAGE.read_text("utf-8")) == set(marked), "make faults WRITE=1"
