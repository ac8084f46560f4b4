"""What READMEs offer: each `$ …` line of the README's console blocks is run, and what is to be
copied is whole (tests/long/test_copied_blocks.py runs it)."""

import re
import shlex
import sys

import pytest

from scripts.paths import ROOT
from tests.support.blocks import blocks, statements
from tests.support.commands import environment, run

README = (ROOT / "README.md").read_text("utf-8")
# Commands that take long, or only set the stage for those that follow. `make reproduce` is run in
# tests/commands/test_reproduce.py, `make fix-3` in test_sides.py,
# the recommended one without its number in tests/faults/test_up.py.
NOT_RUN_HERE = ("make reproduce", "make fix", "make test", "make check", "make serve", "make soak")
NOT_RUN_HERE += ("make up", "make down", "make pull", "git clone", "cd ", "pytest broken")
NOT_RUN_HERE += ("make workshop",)  # tests/commands/test_workshop.py


def commands(text: str) -> list[str]:
    """The commands of the fenced `console` and `sh` blocks: what follows `$ `."""
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ").strip() for line in lines if line.startswith("$ ")]


def is_run(command: str) -> bool:
    return not command.startswith(NOT_RUN_HERE) or command == "make fixes"


def test_the_readme_shows_the_two_commands():
    assert {"make reproduce", "make test"} <= set(commands(README))


@pytest.mark.parametrize("command", dict.fromkeys(filter(is_run, commands(README))))
def test_a_command_of_the_readme_works(command):
    run(["bash", "-c", command], env=environment(BACKEND="")).must_exit(0)


@pytest.mark.parametrize("command", dict.fromkeys(commands(README)))
def test_make_knows_every_target_of_the_readme(command):
    for target in re.findall(r"\bmake (.*)", command):
        run(["make", "--dry-run", *shlex.split(target)]).must_exit(0)


@pytest.mark.parametrize("pattern", ["README.md", "fixed/*/README.md", "traps/*/README.md"])
def test_a_block_to_copy_names_its_file_and_imports_what_it_uses(pattern, tmp_path):
    for readme in ROOT.glob(pattern):
        text = readme.read_text("utf-8")
        offered = blocks(text)
        assert len(offered) == len(re.findall(r"^```(?:python|ini)$", text, re.MULTILINE)) > 0
        for number, (file, block) in enumerate(offered):
            if file.endswith(".py"):
                (tmp_path / f"{readme.parent.name}_{number}.py").write_text(block, "utf-8")

    undefined = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821"]
    run([*undefined, str(tmp_path)]).must_exit(0)


def test_a_block_of_a_side_is_what_stands_in_its_files():
    for readme in [*ROOT.glob("fixed/*/README.md"), *ROOT.glob("traps/*/README.md")]:
        for file, block in blocks(readme.read_text("utf-8")):
            own = next(readme.parent.glob(file)).read_text("utf-8")
            assert statements(block, file) <= statements(own, file), readme
