"""make: every target is a command, and the first answer is help."""

import re

import pytest

from scripts.paths import ROOT
from tests.support.commands import in_process, run

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("goal", ["", "help"])
def test_help_is_the_default_and_lists_the_first_commands(goal):
    out = run(["make", *goal.split()]).must_exit(0).out

    for target in ("minimal", "reproduce", "test", "help-all"):
        assert re.search(rf"^  make {target}\b +\S", out, re.MULTILINE)
    assert "make soak" not in out


def test_help_all_lists_every_documented_target():
    out = run(["make", "help-all"]).must_exit(0).out

    targets = re.findall(r"^([a-z][a-z-]*):.*## ", MAKEFILE, re.MULTILINE)
    assert len(targets) > 10
    for target in targets:
        assert re.search(rf"^  make {target}\b", out, re.MULTILINE)


def test_every_command_that_make_runs_exists():
    commands = set(re.findall(r"\$\(RUN\) ([a-z]+)", MAKEFILE))

    listed = in_process("--help").must_exit(0).out
    assert {"reproduce", "test", "soak"} <= commands
    for command in commands:
        assert re.search(rf"\b{command}\b", listed)


def test_a_failing_command_fails_make():
    done = run(["make", "soak", "N=0"])

    assert done.code == 2
    assert "--times" in done.err


@pytest.mark.parametrize("goal", ["fix-", "trap-", "diff-"])
def test_a_goal_without_its_number_asks_for_it(goal):
    done = run(["make", goal])

    assert done.code == 2
    assert f'error: which number? As in "make {goal}3"' in done.err
