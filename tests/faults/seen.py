"""Each fault that a test sees is held against its line in docs/faults.md, or written there.

Used by the tests here and by those in tests/docker; tests/conftest.py brings it to both.
"""

import re
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest

from tests.faults.page import DOCKER, EMBEDDED, PAGE, Row, drawn, rows_of
from tests.support.commands import Done, eventually, processes_of

# What a person may rely on: nothing is left this many seconds after the end.
GONE_IN_S = 5.0
Seen = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-faults` draws the page anew: the rows of the tests that are run, and a whole table
    from a run of a whole folder."""
    parser.addoption("--write-faults", action="store_true")


def pytest_configure(config: pytest.Config) -> None:
    """Collect rows where reports arrive: in the one process that has them all."""
    line = "fault(*titles): the lines of docs/faults.md that this proves"
    config.addinivalue_line("markers", line)
    if config.getoption("--write-faults") and not hasattr(config, "workerinput"):
        chosen = config.getoption("keyword") or config.getoption("markexpr")
        whole = not chosen and all(Path(argument).is_dir() for argument in config.args)
        config.pluginmanager.register(Writer(whole))


class Writer:
    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self.rows: list[Row] = []
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed
        if report.when == "call":
            self.rows += [Row(*row) for name, row in report.user_properties if name == "fault"]

    def pytest_sessionfinish(self) -> None:
        if not self.failed:
            page = drawn(self.rows, PAGE.read_text("utf-8"), whole=self.whole)
            PAGE.write_text(page, "utf-8")


@pytest.fixture
def seen(
    request: pytest.FixtureRequest, temporary: Path, record_property: Callable[[str, object], None]
) -> Seen:
    """A function (done, printed, left="nothing", title="") to call when the command has ended.

    `printed` is a text that the command must have written, or a pattern if it begins with "~": then
    the page has what matched. Nothing may be left of a command that ran with TMPDIR=`temporary`.
    `title` is the fault, where the test is marked with several that print different things.
    """

    def check(done: Done, printed: str, left: str = "nothing", title: str = "") -> None:
        output = done.output
        if printed.startswith("~"):
            assert re.search(printed[1:], output), f"{printed[1:]} is not in:\n{output}"
        else:
            # A sentence is broken where a narrow terminal ends.
            assert printed in " ".join(output.split()), output[-2000:]
        assert "Traceback (most recent call last)" not in output
        if left == "nothing":
            eventually(lambda: not processes_of(temporary), GONE_IN_S)
            assert processes_of(temporary) == {}
            assert list(temporary.iterdir()) == [], output[-2000:]
        part = DOCKER if request.path.parent.name == "docker" else EMBEDDED
        for fault in [title] if title else titles_of(request.node):
            row = Row(fault, readable(printed), done.code, left, part)
            record_property("fault", astuple(row))
            if not request.config.getoption("--write-faults"):
                assert str(row) in PAGE.read_text("utf-8"), "draw the page anew, with WRITE=1"

    return check


def titles_of(item: pytest.Item) -> list[str]:
    """The faults that a test is marked with."""
    return [title for mark in item.iter_markers("fault") for title in mark.args]


def readable(pattern: str) -> str:
    """A pattern as the page shows it: with … for what varies."""
    if not pattern.startswith("~"):
        return pattern
    shown = re.sub(r"\.\*|\\S\+|\\d\+|\[\^.*?\]\*", "…", pattern[1:])
    return re.sub(r"\\(.)", r"\1", shown)


def assert_same_titles(request: pytest.FixtureRequest, part: str) -> None:
    """The tests of this session and that table of the page name the same faults."""
    marked = [title for item in request.session.items for title in titles_of(item)]
    assert len(set(marked)) == len(marked)
    if not request.config.getoption("--write-faults") and not request.config.getoption("keyword"):
        assert set(rows_of(PAGE.read_text("utf-8"), part)) == set(marked), "draw the page anew"
