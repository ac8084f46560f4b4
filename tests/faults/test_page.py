"""The page and the tests name the same faults, and how it is drawn anew."""

from tests.faults.page import DOCKER, EMBEDDED, PAGE, Row, drawn, rows_of
from tests.faults.seen import assert_same_titles


def test_the_page_has_a_line_for_each_fault_and_no_other(request):
    assert_same_titles(request, EMBEDDED)


def test_a_part_of_the_tests_draws_its_own_rows_and_keeps_the_others():
    page = PAGE.read_text("utf-8")
    first, *others = rows_of(page, EMBEDDED)
    new = [Row(first, "something else", 7, "nothing"), Row("A new fault", "", 0, "nothing")]

    part, whole = drawn(new, page, whole=False), drawn(new, page, whole=True)

    assert drawn([], page, whole=False) == drawn([], page, whole=True) == page
    assert set(rows_of(part, EMBEDDED)) == {first, "A new fault", *others}
    assert rows_of(part, EMBEDDED)[first] == str(new[0])
    assert set(rows_of(whole, EMBEDDED)) == {first, "A new fault"}
    assert rows_of(part, DOCKER) == rows_of(whole, DOCKER) == rows_of(page, DOCKER)
