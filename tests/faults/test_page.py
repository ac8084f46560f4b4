"""The page and the tests name the same faults."""

from tests.faults.page import EMBEDDED
from tests.faults.seen import assert_same_titles


def test_the_page_has_a_line_for_each_fault_and_no_other(request):
    assert_same_titles(request, EMBEDDED)
