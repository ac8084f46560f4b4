"""The picture as SVG: what the one in text shows, for programs that draw and read SVG."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest
from test_lanes import CLIENT, CROSSING, RECORDING, loop, many_tests, ran
from whichloop.cli import main
from whichloop.present.lanes import draw_lanes
from whichloop.present.picture import MAX_LANES
from whichloop.present.svg import DASHES, draw_svg
from whichloop.recording import to_json
from whichloop.records import Recording, Site

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = """</title><script>alert('x')</script>&amp;"]]><!--\x00\x1b[31m\ud800\uffff\u202e 职位"""


def drawn(*recordings, **options):
    return ET.fromstring(draw_svg(recordings, **options))


def texts(root):
    return [text.text for text in root.iter(f"{SVG}text")]


def of_class(root, name):
    return [element for element in root.iter() if element.get("class") == name]


def crossing(number, label="motor client", **changes):
    """An object with its crossing, one of several: each binds and crosses at lines of its own."""
    at = {"bound": 10 * number + 3, "tick": 10 * number + 7, "seq": number}
    row = CROSSING._replace(bound_at=Site("conftest.py", number), **at)._replace(**changes)
    return CLIENT._replace(seq=number, label=label), row


def crossings(count):
    objects, rows = zip(*map(crossing, range(count)), strict=True)
    loops = (loop("A", "session", 1), loop("B", "function", 2))
    return Recording(loops, objects, rows, RECORDING.ran)


@pytest.mark.parametrize("options", [{}, {"every": True}, {"tests": ["test_a.py::test_3"]}])
@pytest.mark.parametrize("recording", [RECORDING, many_tests(), Recording(), crossings(7)])
def test_it_shows_each_loop_object_and_line_that_the_picture_in_text_shows(recording, options):
    lines = draw_lanes([recording], width=200, **options)

    root = drawn(recording, **options)

    shown = texts(root)
    lanes = [line.split()[:2] for line in lines if re.match(r"\w+ +(session|function) loop ", line)]
    loops = list(pairwise(shown))
    assert len(of_class(root, "life")) == len(lanes)
    assert all((name, f"{scope} loop") in loops for name, scope in lanes)
    legend = [line.strip() for line in lines if "bound to" in line or "used on" in line]
    assert [words for words in shown if words.startswith(("bound to", "used on"))] == [
        words.lstrip("●✗ ") for words in legend
    ]
    assert [line for line in lines if line.startswith("…")] == [
        words for words in shown if " more loop" in words
    ]
    assert shown.count("motor client") == sum("bound to" in line for line in legend)
    assert len(of_class(root, "bound")) + len(of_class(root, "crossed")) == (
        len(legend) + sum(len(re.findall("[●✗]", line)) for line in lines if "╌" in line)
    )


def test_a_thread_runs_from_the_lane_where_it_bound_to_the_lane_that_used_it():
    root = drawn(RECORDING)

    dot, cross = (next(iter(of_class(root, name))) for name in ("bound", "crossed"))
    thread = of_class(root, "thread")[0].get("d")
    assert thread.startswith(f"M{dot.get('cx')} {dot.get('cy')}C")
    x, y = map(int, thread.split()[-2:])
    assert cross.get("d").startswith(f"M{x - 6} {y - 6}l12 12")
    lives = [life.get("d").partition("v")[0] for life in of_class(root, "life")]
    assert [int(life.split()[1]) + 7 for life in lives] == [int(dot.get("cy")), y]


def test_threads_are_told_apart_without_colour():
    root = drawn(crossings(len(DASHES)))

    threads = {thread.get("stroke-dasharray") for thread in of_class(root, "thread")}
    assert threads == set(DASHES)
    for number in range(1, len(DASHES) + 1):  # at the dot, at the cross, in the legend
        assert texts(root).count(str(number)) == 3


def test_it_stands_alone():
    text = draw_svg([RECORDING])

    root = ET.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "desc", "style", "g", "rect", "path", "circle", "text")
    }
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert not re.search(r"url\(|@import|@font-face", text)
    assert text.count("http") == text.count("http://www.w3.org/2000/svg") == 1
    assert re.findall(r"font:? ?[^;]*", root.findtext(f"{SVG}style"))[0] == "font: 13px monospace"


def brightness(colour):
    """The relative luminance of #rrggbb or #rgb, as in the contrast rules of WCAG."""
    digits = colour.removeprefix("#")
    parts = re.findall(".." if len(digits) == 6 else ".", digits)
    shares = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_has_light_and_dark_colours_that_can_be_read():
    style = drawn(RECORDING).findtext(f"{SVG}style")
    light, dark = style.split("@media (prefers-color-scheme: dark)")

    for rules in (light, dark):
        paper, *others = re.findall(r": (#\w+)", rules)
        assert len(others) == 3 + len(DASHES)
        for colour in others:
            dim, bright = sorted([brightness(paper), brightness(colour)])
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, colour


def test_a_screen_reader_is_told_what_is_drawn():
    root = drawn(RECORDING)

    assert root.get("role") == "img"
    title, desc = list(root)[:2]
    assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
    assert title.text.startswith("Event loops")
    assert desc.text == (
        "Loop A, session loop, still open: fixture test_db, passed. "
        "Loop B, function loop, closed: test test_jobs.py::test_list, passed. "
        "motor client 1: bound to A at conftest.py:10; used on B at test_jobs.py:2."
    )


def test_names_of_strangers_are_text_and_nothing_else():
    name = f"test_a.py::test_it[{HOSTILE}]"
    strange = Recording(
        (loop(HOSTILE, HOSTILE, 1), loop("B", None, 5, 9, runner=HOSTILE)),
        (CLIENT._replace(label=HOSTILE),),
        (CROSSING._replace(bound_to=HOSTILE, at=Site(HOSTILE, 1), during=name),),
        (ran("fixture", HOSTILE, HOSTILE, 2), ran("test", name, "B", 6)),
    )

    for options in ({}, {"every": True}, {"tests": [name]}):
        text = draw_svg([strange], **options)

        assert text.isascii()
        root = ET.fromstring(text)
        assert not list(root.iter(f"{SVG}script"))
        told = root.findtext(f"{SVG}desc")
        shown = re.sub("[\x00\x1b\ud800\uffff]", "\N{REPLACEMENT CHARACTER}", HOSTILE)
        assert told.count(shown) >= 6
        assert len(of_class(root, "life")) == 2


def test_a_long_name_is_cut_and_whole_in_its_title():
    name = "test_a.py::TestIt::test_it[" + "x" * 300 + "]"
    long = RECORDING._replace(ran=(ran("test", name, "B", 6),))

    root = drawn(long)

    (short,) = [text for text in texts(root) if text.startswith("test_it")]
    assert len(short) < 60
    assert short.endswith("…")
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert f"test {name}, passed" in titles


def test_parameters_with_colons_are_no_classes():
    asked = RECORDING._replace(ran=(ran("test", "t.py::test_ip[::1]", "B", 6),))

    assert "test_ip[::1]" in texts(drawn(asked))


def busy():
    """Long and Chinese names everywhere, many set-ups on one lane, and threads between lanes."""
    part = many_tests()
    rows = [row._replace(name=f"{row.name}_{'职位' * 9}") for row in part.ran]
    names = {row.name: longer.name for row, longer in zip(part.ran, rows, strict=True)}
    crossings = [use._replace(during=names[use.during]) for use in part.crossings]
    return part._replace(ran=tuple(rows), crossings=tuple(crossings))


@pytest.mark.parametrize("recording", [RECORDING, many_tests(), busy(), crossings(12), Recording()])
@pytest.mark.parametrize("every", [True, False])
def test_no_words_lie_on_others_or_leave_the_picture(recording, every):
    root = drawn(recording, recording, every=every)

    boxes = []
    for box in of_class(root, "paper")[1:]:  # the first is the whole paper
        x, y, width, height = (int(box.get(side)) for side in ("x", "y", "width", "height"))
        boxes.append((x, y, x + width, y + height))
    assert len(boxes) == len(texts(root))
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    assert all(left >= 0 and top >= 0 for left, top, _, _ in boxes)
    assert max(right for _, _, right, _ in boxes) < int(root.get("width"))
    assert max(bottom for *_, bottom in boxes) < int(root.get("height"))


def test_many_loops_are_folded_as_in_text():
    more = [loop(f"L{number}", f"scope {number}", 10, 11) for number in range(100)]

    root = drawn(RECORDING._replace(loops=(*RECORDING.loops, *more)))

    assert len(of_class(root, "life")) == MAX_LANES


def test_workers_are_drawn_below_one_another_and_their_threads_numbered_on():
    root = drawn(Recording(), RECORDING, RECORDING)

    assert texts(root).count("A") == 2
    assert texts(root).count("1") == texts(root).count("2") == 3


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "recording.json"
    path.write_text(json.dumps(to_json(RECORDING)))
    return path


def test_the_command_writes_to_standard_output_or_a_file(recorded, tmp_path, capsys):
    assert main(["lanes", str(recorded), "--svg"]) == 0
    out = capsys.readouterr().out
    assert out == draw_svg([RECORDING]) + "\n"

    assert main(["lanes", str(recorded), "--svg", str(tmp_path / "lanes.svg")]) == 0
    assert (tmp_path / "lanes.svg").read_text("utf-8") == out
    assert capsys.readouterr().out == ""


def test_only_the_loops_of_a_test(recorded, capsys):
    assert main(["lanes", str(recorded), "--svg", "--test", "none"]) == 0

    assert "… 2 more loops not drawn here" in texts(ET.fromstring(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--svg", "none/lanes.svg"], "cannot write none/lanes.svg: No such file or directory"),
        (["--svg", "."], "cannot write .: Is a directory"),
        (["--svg", "x" * 300], "File name too long"),
        (["--svg", "./recording.json"], "cannot write ./recording.json: it is the recording"),
        (["--svg", "--width", "90"], "--ascii and --width are for the picture in text"),
        (["--svg", "--ascii"], "--ascii and --width are for the picture in text"),
    ],
)
def test_what_cannot_be_written_is_said(recorded, monkeypatch, capsys, options, words):
    monkeypatch.chdir(recorded.parent)
    before = recorded.read_bytes()

    assert main(["lanes", "recording.json", *options]) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert (out, err.count("\n")) == ("", 1)
    assert recorded.read_bytes() == before


def test_a_recording_that_is_none_leaves_no_picture(tmp_path, capsys):
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")

    assert main(["lanes", str(wrong), "--svg", str(tmp_path / "lanes.svg")]) == 2
    assert "is not a recording" in capsys.readouterr().err
    assert not (tmp_path / "lanes.svg").exists()


def test_a_recording_whose_ticks_begin_at_zero_is_drawn():
    zero = RECORDING._replace(loops=(loop("A", "session", 0), loop("B", "function", 5, 9)))

    assert len(of_class(drawn(zero), "life")) == 2
    assert draw_lanes([zero])[0].startswith("A   session loop        ├")
