"""make report: one page of what is in results/, drawn as far as that goes."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts.paths import ROOT
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.views import evidence, report
from scripts.views.evidence import Evidence, from_results, from_sample, private, to_sample
from scripts.views.report import MAX_ROWS, SAMPLE, SAMPLE_PAGE, page
from tests.support.commands import in_process
from tests.support.runs import HOSTILE, KILLED, NO_RUNS, entry, many_tests, run_of, write_run

MANIFEST = manifest.load()


class Elements(HTMLParser):
    """The ids, links and tags of a page, and its text by the id of the element around it."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.tags, self.text = [], [], [], {"": ""}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []

    def handle_data(self, data):
        part = next((name for name in reversed(self.ids) if name in PARTS), "")
        self.text[part] = self.text.get(part, "") + " ".join(data.split()) + " "


PARTS = {side.id for side in MANIFEST.side[1:]} | {"story", "which", "tests", "whichloop"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A results folder in which every side has a run as documented, and no recording."""
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    monkeypatch.setattr("scripts.run.results.RESULTS", tmp_path)
    for side in MANIFEST.side:
        write_run(tmp_path, MANIFEST, side.id)
    return tmp_path


def drawn(found=None):
    return Elements(page(MANIFEST, found or from_results(MANIFEST), {}))


@pytest.fixture(scope="module")
def sample():
    return from_sample(SAMPLE)


def test_the_sample_page_is_what_its_data_gives():
    assert in_process("report", "--sample").must_exit(0).out == ""


def test_the_sample_is_small_and_of_every_side(sample):
    assert SAMPLE.stat().st_size <= 150 * 1024
    assert SAMPLE_PAGE.stat().st_size <= 10**6
    assert list(sample.runs) == list(sample.recordings) == [side.id for side in MANIFEST.side]
    assert re.match(r"\d{4}-\d\d-\d\d, \w+ \w+, \d+ cores$", sample.about)


def test_a_sample_of_a_sample_is_the_same(sample, tmp_path):
    (tmp_path / "again.json").write_text(to_sample(sample), "utf-8")

    assert to_sample(from_sample(tmp_path / "again.json")) == SAMPLE.read_text("utf-8")


def test_it_tells_the_story_every_side_and_every_test(sample):
    shown = drawn(sample)

    story = shown.text["story"]
    assert story.index("17 of 30 tests fail") < story.index("got Future") < story.index("test_db")
    assert (
        story.index("session loop") < story.index("Cures 17 of 17") < story.rindex("session loop")
    )
    for side in MANIFEST.side[1:]:
        told = shown.text[side.id]
        assert side.title in told, side.id
        assert " ".join(side.when.split()) in told, side.id
        assert "bound to" in told or "no object was used on another" in told, side.id
    assert "asyncio_default_test_loop_scope = session" in shown.text["fix-09"]
    names = {nodeid.rpartition("::")[2] for nodeid in MANIFEST.nodeids}
    assert all(name in shown.text["tests"] for name in names)
    assert "3 causes behind 25 failures" in shown.text["whichloop"]


def test_its_links_stay_on_the_page_and_it_loads_nothing(sample):
    shown = drawn(sample)

    assert len(shown.ids) == len(set(shown.ids))
    assert {link.removeprefix("#") for link in shown.links} <= set(shown.ids)
    assert not {"img", "link", "iframe", "object"} & set(shown.tags)


def test_what_is_missing_is_told_with_the_next_command(folder):
    (folder / "fix-03" / "run.json").unlink()
    (folder / "trap-01" / "run.json").write_text(NO_RUNS[-1], "utf-8")

    done = in_process("report")

    assert done.must_exit(1).out.startswith("Written: ")
    assert "Nothing to draw (no result): fix-3." in done.out
    assert "make fix-3 report" in done.out
    assert "schema_version is 0 and not 1" in done.out
    text = (folder / "report.html").read_text("utf-8")
    assert "Nothing to draw (no result): fix-3." in text
    assert Elements(text).text["fix-03"].count("Not run yet: what the manifest documents") == 1
    assert "Cures 17 of 17" in Elements(text).text["fix-09"]


@pytest.mark.parametrize("content", NO_RUNS)
def test_without_a_run_of_broken_it_is_what_the_manifests_document(folder, content):
    (folder / "broken" / "run.json").write_text(content, "utf-8")

    shown = drawn()

    assert "There is no run of the broken side" in shown.text["story"]
    assert MANIFEST.get("fix-09").when in shown.text["fix-09"]


def test_a_killed_run_is_invalid_and_one_of_broken_is_no_measure(folder):
    write_run(folder, MANIFEST, "fix-03", **KILLED)
    assert "INVALID: it had not ended after 1 s" in drawn().text["fix-03"]

    write_run(folder, MANIFEST, "broken", **KILLED)
    assert "The last run of broken/ is INVALID" in drawn().text[""]


@pytest.mark.parametrize("content", ["", "[]", '{"loops": 7}', '{"schema_version": 2}'])
def test_a_damaged_recording_costs_only_its_lanes(folder, sample, content):
    (folder / "fix-09" / "recording.json").write_text(content, "utf-8")

    found = from_results(MANIFEST)

    assert found.recorded("fix-09") == ()
    assert any("no recording" in problem for problem in found.problems)


def test_names_and_messages_are_text(sample):
    broken = sample.runs["broken"]
    tests = {f"{HOSTILE}.py::{HOSTILE}": next(iter(broken.tests.values()))}
    failing = entry("x.py::test_x", "failed", message=HOSTILE, type=HOSTILE, kind="other")
    run = run_of(failing, side="broken", versions={HOSTILE: HOSTILE})
    strange = Run.model_validate({**dict(run), "tests": [*run.tests.values(), *tests.values()]})

    html = page(MANIFEST, Evidence({"broken": strange}, problems={HOSTILE: HOSTILE}), {})

    assert "<script>alert" not in html
    assert Elements(html).tags.count("script") == 1
    assert "img" not in Elements(html).tags


@pytest.mark.parametrize("number", [500, 10_000])
def test_of_many_tests_it_shows_some_and_says_how_many_more(number):
    html = page(*many_tests(number), {})

    assert len(html) <= 10**6
    shown = Elements(html)
    assert f"{number - MAX_ROWS} more" in shown.text["fix-09"]
    assert f"{number - 2 * MAX_ROWS} more" in shown.text["tests"]
    assert shown.tags.count("script") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "running at /home/me/project/suite/test_a.py:22> cb",
            "running at …/suite/test_a.py:22> cb",
        ),
        ("postgresql://me:secret@127.0.0.1:5432/db", "postgresql://127.0.0.1:5432/db"),
        (f"no file {Path.home()}/a.py", "no file …/a.py"),
        (r"in C:\Users\me\project\conftest.py", r"in …\project\conftest.py"),
        (
            "https://docs.example.org/en/stable/how.html",
            "https://docs.example.org/en/stable/how.html",
        ),
        ("shared_app/configs/db.py:20", "shared_app/configs/db.py:20"),
    ],
)
def test_ways_and_passwords_of_the_machine_are_left_out(text, expected):
    assert private({"message": [text]}) == {"message": [expected]}


def test_nothing_of_this_machine_is_on_the_page(folder):
    told = {"kind": "other", "message": f"at {ROOT}/suite/x.py:1 mongodb://me:hunter2@localhost/db"}
    write_run(folder, MANIFEST, "fix-03", tests=[entry("test_a.py::test_it", "failed", **told)])

    html = page(MANIFEST, from_results(MANIFEST), {})

    assert "…/suite/x.py:1" in html
    assert str(ROOT) not in html
    assert "hunter2" not in html


def test_what_is_measured_once_is_a_section_as_soon_as_its_file_is_there(
    tmp_path, monkeypatch, sample
):
    monkeypatch.setattr(report, "DATA", tmp_path)
    assert report.measured() == {}
    (tmp_path / "price.json").write_text('{"of": 9}', "utf-8")
    (tmp_path / "claims.json").write_text("{", "utf-8")

    sections = report.measured()

    assert sections == {"price": {"of": 9}}
    html = page(MANIFEST, sample, sections)
    assert 'href="#price"' in html
    assert 'id="price"' in html
