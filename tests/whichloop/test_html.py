"""The page and its fragment: lanes, the same as tables, and findings."""

import json
import re
from html.parser import HTMLParser

import pytest
from test_lanes import RECORDING, loop, many_tests, ran
from test_svg import HOSTILE
from whichloop.cli import main
from whichloop.present.html import MAX_ROWS, draw_html, html_page, lanes_html
from whichloop.present.picture import pictures_of
from whichloop.present.svg import svg_element
from whichloop.recording import of_json, to_json
from whichloop.records import Cure, Finding, Recording

VOID = {"meta"}
FINDING = Finding(
    "loop scope mismatch",
    "bound on a session loop, used on a function loop.",
    "sure",
    None,
    "test_jobs.py::test_list",
    "call",
    cures=(Cure("one-loop", "run both on one loop", "scope = session"),),
    headline="The client was set up for another part of the run.",
    code="WL001",
)
EXPLAINED = RECORDING._replace(findings=(FINDING,) * 5)


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text; wrong nesting is an error."""

    def __init__(self, html):
        super().__init__()
        self.open, self.all, self.text = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if "style" not in self.open else ""


def test_the_page_says_what_the_terminal_says_and_draws_the_lanes():
    page = Elements(html_page([EXPLAINED]))

    for words in ("1 cause behind 5 failures", "WL001, 5 failures: test_jobs.py::test_list"):
        assert words in page.text
    for words in (FINDING.headline, FINDING.sentence, "run both on one loop: scope = session"):
        assert words in page.text
    assert "bound to A at conftest.py:10" in page.text
    assert [tag for tag, _ in page.all].count("svg") == 1


def test_what_is_drawn_stands_in_tables_as_well():
    page = Elements(lanes_html([RECORDING]))

    assert [tag for tag, _ in page.all].count("table") == 2
    tables = page.text.partition("The same as a table")[2]
    for words in ("fixture test_db", "test test_list", "motor client", "used on B at test_jobs.py"):
        assert words in tables


def test_a_table_of_many_loops_says_how_many_more_there_are():
    page = Elements(draw_html([many_tests()] * MAX_ROWS))

    lanes = MAX_ROWS * len(pictures_of([many_tests()])[0].lanes)
    assert f"{lanes - MAX_ROWS} more" in page.text


def test_of_many_tests_and_causes_it_shows_some_and_says_how_many_more():
    loops = [loop(f"L{at}", "function", 10 * at, 10 * at + 9) for at in range(10_000)]
    rows = [ran("test", f"test_a.py::test_{at}", f"L{at}", 10 * at + 5) for at in range(10_000)]
    findings = [FINDING._replace(headline=f"cause {at}") for at in range(MAX_ROWS + 7)]

    html = html_page([Recording(tuple(loops), (), (), tuple(rows), findings=tuple(findings))])

    assert len(html) < 50_000
    page = Elements(html)
    assert "9998 more loops like L0" in page.text
    assert "7 more causes" in page.text


def test_a_mark_tells_file_line_and_fixture_to_keyboard_and_screen_reader():
    root = svg_element(pictures_of([RECORDING]), in_page=True)

    spots = [element for element in root.iter() if element.get("class") == "spot"]
    told = [spot.get("aria-label") for spot in spots]
    assert {(spot.get("tabindex"), spot.get("role")) for spot in spots} == {("0", "img")}
    assert "motor client 1, bound to A at conftest.py:10, by fixture test_db" in told
    assert "motor client 1, used on B at test_jobs.py:2, by test test_jobs.py::test_list" in told
    assert root.get("role") == "group"  # of a picture's parts a screen reader says nothing
    for spot in spots:
        shown = [text.text for text in spot.iter("text")]
        assert spot.get("aria-label") == ", ".join(shown)


def test_it_is_whole_valid_and_loads_nothing_whatever_the_names_are():
    name = f"test_a.py::test_it[{HOSTILE}]"
    row = RECORDING.ran[1]._replace(name=name)
    finding = FINDING._replace(during=name, headline=HOSTILE, sentence=HOSTILE)
    strange = EXPLAINED._replace(ran=(RECORDING.ran[0], row), findings=(finding,))

    html = html_page([strange])

    page = Elements(html)
    assert html.isascii()
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in page.all}
    attributes = {name for _, attributes in page.all for name in attributes}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    assert page.text.count("<script>alert('x')</script>") >= 4
    assert not re.search(r"url\(|@import|@font-face", html)


def test_a_fragment_has_no_document_around_it():
    fragment = draw_html([EXPLAINED])

    assert fragment.startswith('<section class="whichloop">')
    assert fragment in html_page([EXPLAINED])


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "recording.json"
    path.write_text(json.dumps(to_json(EXPLAINED)))
    return path


def test_the_command_writes_the_page_or_the_fragment(recorded, tmp_path, capsys):
    assert main(["report", str(recorded)]) == 0
    page = capsys.readouterr().out
    assert page.strip() == html_page(of_json(to_json(EXPLAINED))).strip()

    assert main(["report", str(recorded), "--fragment", "--html", str(tmp_path / "f.html")]) == 0
    assert (tmp_path / "f.html").read_text("ascii").strip() in page


def test_the_command_refuses_what_is_no_recording(tmp_path, capsys):
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]")

    assert main(["report", str(wrong)]) == 2
    assert "it is not a recording" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_a_suite_gets_its_page(suite, tmp_path, options):
    path = tmp_path / "page.html"

    run = suite(
        f"--whichloop-html={path}",
        *options,
        test_a="""
            import asyncio

            import pytest

            @pytest.fixture
            async def queue():
                queue = asyncio.Queue()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(queue.get(), 0.01)
                return queue

            async def test_get(queue):
                await queue.get()
        """,
    )

    assert run.failed == {"test_a.py::test_get"}, run.out
    assert f"page written to {path}" in run.out
    page = Elements(path.read_text("ascii"))
    assert "1 cause behind 1 failure" in page.text
    assert "asyncio Queue" in page.text


def test_a_page_that_cannot_be_written_is_told(suite):
    run = suite("--whichloop-html=none/page.html", test_a="async def test_it(): pass")

    assert "warning: the page could not be written to none/page.html: No such file" in run.out
