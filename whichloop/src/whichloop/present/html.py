"""Recordings as HTML that stands alone: lanes, the same as tables, and what the findings say. Pure.

A fragment may become part of another page: it has its style, no script, loads nothing, and its
colours follow the reader's light or dark scheme.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from whichloop.present.picture import Picture, Tests, kind_of, pictures_of, short
from whichloop.present.section import Groups, life, named, rows_of, title
from whichloop.present.style import HTML_STYLE
from whichloop.present.svg import put, svg_element
from whichloop.present.threads import alike, legend
from whichloop.records import Recording

NOTHING = "No failure was recorded that several event loops cause"
LOOPS = ("loop", "kind", "its life", "what ran on it")
OBJECTS = ("object", "where it bound", "by", "where other loops used it")
# Of rows and of causes so many are shown; the recording has them all.
MAX_ROWS = 40
PAGE_STYLE = "body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; }"


def draw_html(recordings: Sequence[Recording], tests: Tests = None, every: bool = False) -> str:
    """The fragment, in ASCII: a section with headings of the second and third level. Which loops
    are drawn is as in ``draw_lanes``."""
    return _text(_section(recordings, tests, every))


def lanes_html(recordings: Sequence[Recording], tests: Tests = None) -> str:
    """The lanes alone, as a fragment without the style."""
    return _text(*_lanes(pictures_of(recordings, tests)))


def html_page(recordings: Sequence[Recording], *, tests: Tests = None, every: bool = False) -> str:
    """A whole document of the fragment."""
    root = ET.Element("html", lang="en")
    head, body = put(root, "head"), put(root, "body")
    put(head, "meta", charset="utf-8")
    put(head, "meta", name="viewport", content="width=device-width")
    put(head, "meta", name="color-scheme", content="light dark")
    put(head, "title", f"whichloop: {_headline(recordings)[0]}")
    put(head, "style").text = PAGE_STYLE
    main = put(body, "main")
    put(main, "h1", "Which loop?")
    main.append(_section(recordings, tests, every))
    return f"<!DOCTYPE html>\n{_text(root)}\n"


def _headline(recordings: Iterable[Recording]) -> tuple[str, Groups]:
    groups = Groups()
    for recording in recordings:
        for finding in recording.findings:
            groups.add(finding)
    return title(groups).partition(": ")[2] if groups else NOTHING, groups


def _section(recordings: Sequence[Recording], tests: Tests, every: bool) -> ET.Element:
    words, groups = _headline(recordings)
    section = ET.Element("section", {"class": "whichloop"})
    put(section, "style").text = HTML_STYLE
    put(section, "h2", words)
    section.extend(_lanes(pictures_of(recordings, tests, every)))
    for group in list(groups)[:MAX_ROWS]:
        article = put(section, "article")
        put(article, "h3", f"{group.number}. {group.findings[0].headline}")
        put(article, "p", named(group))
        told = put(article, "dl")
        for head, text in rows_of(group.findings[0], groups.advice(group)):
            if head:
                put(told, "dt", head)
            if text:
                put(told, "dd", text)
    if len(groups) > MAX_ROWS:
        put(section, "p", f"{len(groups) - MAX_ROWS} more causes: the recording has them all")
    return section


def _lanes(pictures: list[Picture]) -> list[ET.Element]:
    """The picture, and the same as tables behind a fold."""
    figure = ET.Element("figure", {"class": "whichloop"})
    figure.append(svg_element(pictures, in_page=True))
    fold = ET.Element("details", {"class": "whichloop"})
    put(fold, "summary", "The same as a table")
    lanes = [lane for picture in pictures for lane in picture.lanes]
    rows = []
    for lane in lanes:
        ran = [f"{row.kind} {short(row)}" for row in lane.rows]
        ran += [f"{lane.unnamed} more"] if lane.unnamed else []
        lived = life(lane.loop).removeprefix(f"loop {lane.loop.id} was ")
        rows.append((lane.loop.id, kind_of(lane.loop), lived, ", ".join(ran)))
    _table(fold, "Event loops", LOOPS, rows)
    rows = []
    for threads in [group for picture in pictures for group in alike(picture.threads)]:
        (_, bound), *used = legend(threads)
        rows.append((threads[0].label, bound, threads[0].bound_by, "; ".join(t for _, t in used)))
    _table(fold, "Objects that were used on another loop", OBJECTS, rows)
    return [figure, fold]


def _table(
    parent: ET.Element, caption: str, heads: Iterable[str], rows: Sequence[tuple[str, ...]]
) -> None:
    if not rows:
        return
    table = put(put(parent, "div"), "table")
    put(table, "caption", caption)
    line = put(put(table, "thead"), "tr")
    for head in heads:
        put(line, "th", head, scope="col")
    body = put(table, "tbody")
    for name, *cells in rows[:MAX_ROWS]:
        line = put(body, "tr")
        put(line, "th", name, scope="row")
        for cell in cells:
            put(line, "td", cell)
    if len(rows) > MAX_ROWS:
        put(put(body, "tr"), "td", f"{len(rows) - MAX_ROWS} more", colspan=str(len(rows[0])))


def _text(*elements: ET.Element) -> str:
    return "\n".join(ET.tostring(element, method="html").decode() for element in elements)
