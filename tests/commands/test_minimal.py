"""`python -m scripts minimal`: the ten-second primer."""

import re

from scripts.paths import ROOT
from tests.support.commands import scripts


def test_the_five_lines_the_message_and_what_it_means() -> None:
    out = scripts("minimal").must_exit(0).out

    script = (ROOT / "scripts" / "commands" / "five_lines.py").read_text("utf-8")
    code = [line for line in script.split('"""')[2].splitlines() if line.strip()]
    assert len(code) == 5
    assert all(line in out for line in code)
    message = r"RuntimeError: Task <.*wait_for.*> got Future <Future pending> attached to a .* loop"
    assert re.search(message, out)
    assert "made on loop A" in out
    assert out.rstrip().endswith("Next: make reproduce")


def test_it_needs_neither_home_nor_colour_nor_a_wide_terminal() -> None:
    plain = scripts("minimal", HOME="", NO_COLOR="1", COLUMNS="20").must_exit(0).out

    assert plain == scripts("minimal").out
    coloured = scripts("minimal", FORCE_COLOR="1", TERM="xterm").out
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
