"""`python -m scripts minimal`: the ten-second primer."""

import re

import pytest

from scripts.paths import ROOT
from tests.support.commands import scripts


@pytest.fixture(scope="module")
def printed() -> str:
    """What it prints, run once."""
    return scripts("minimal").must_exit(0).out


def test_the_five_lines_the_message_and_what_it_means(printed):
    script = (ROOT / "scripts" / "commands" / "five_lines.py").read_text("utf-8")
    code = [line for line in script.split('"""')[2].splitlines() if line.strip()]
    assert len(code) == 5
    assert all(line in printed for line in code)
    message = r"RuntimeError: Task <.*wait_for.*> got Future <Future pending> attached to a .* loop"
    assert re.search(message, printed)
    assert "made on loop A" in printed
    assert printed.rstrip().endswith("Next: make reproduce")


def test_it_needs_neither_home_nor_colour_nor_a_wide_terminal(printed):
    plain = scripts("minimal", HOME="", NO_COLOR="1", COLUMNS="20").must_exit(0).out
    coloured = scripts("minimal", FORCE_COLOR="1", TERM="xterm").out

    assert plain == printed
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
