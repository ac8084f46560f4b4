"""The README's commands do what it says: each `$ …` line of its console blocks is run."""

import re
import shlex
from pathlib import Path

import pytest

from scripts.paths import ROOT
from tests.support.commands import environment, run

README = (ROOT / "README.md").read_text("utf-8")
# Commands that are run elsewhere, or that only set the stage for those that follow.
NOT_RUN_HERE = ("make test", "make check", "make serve", "make soak", "git clone", "cd ", "make up",
                "make down", "make pull")  # fmt: skip
# Commands that fail by design: plain pytest on a side whose tests fail.
FAILING = ("pytest broken",)


def commands(text: str) -> list[str]:
    """The commands of the fenced `console` and `sh` blocks: what follows `$ `."""
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ").strip() for line in lines if line.startswith("$ ")]


def runnable() -> list[str]:
    """Those to be run, each once."""
    found = [command for command in commands(README) if not command.startswith(NOT_RUN_HERE)]
    return list(dict.fromkeys(found))


def test_the_readme_shows_the_two_commands() -> None:
    assert {"make reproduce", "make test"} <= set(commands(README))


@pytest.mark.parametrize("command", runnable())
def test_a_command_of_the_readme_works(command: str, tmp_path: Path) -> None:
    env = environment(BACKEND="", WRONGLOOP_RESULTS=str(tmp_path / "results"))

    done = run(["bash", "-c", command], env=env)

    expected = 1 if any(word in command for word in FAILING) else 0
    assert done.code == expected, f"{shlex.quote(command)}\n{done.said}"
