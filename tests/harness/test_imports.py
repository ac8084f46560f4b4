"""Which room may import which: every import is read, none is run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.paths import ROOT

SOURCES = ("scripts", "suite", "shared_app", "whichloop/src/whichloop")
# What each room may import of the rooms here, besides itself; a module belongs to the longest name.
BASE = {"scripts.paths", "scripts.errors", "scripts.verdict.words"}
SERVERS = BASE | {"scripts.servers", "shared_app"}
RUN = SERVERS | {"scripts.sides", "scripts.run", "whichloop"}
VIEWS = RUN | {"scripts.verdict", "scripts.views", "whichloop.present"}
COMMANDS = VIEWS | {"scripts.commands", "scripts.bootstrap"}
ROOMS: dict[str, set[str]] = {
    "scripts.paths": set(),
    "scripts.errors": set(),
    "scripts.verdict.words": set(),
    "scripts.bootstrap": set(),
    "scripts.servers": SERVERS,
    "scripts.sides": BASE,
    "scripts.run": RUN,
    "scripts.run.model": BASE,
    "scripts.verdict": BASE | {"scripts.run.model", "scripts.sides"},
    "scripts.views": VIEWS,
    "scripts.commands": COMMANDS,
    "scripts.workshop": COMMANDS | {"scripts.maintain.offline"},
    "scripts.maintain.offline": COMMANDS,
    "scripts.maintain": COMMANDS | {"scripts.workshop"},
    "scripts.cli": COMMANDS,
    "scripts.__main__": {"scripts.bootstrap", "scripts.cli"},
    "scripts": set(),
    "suite": {"scripts.errors", "scripts.servers", "shared_app"},
    "shared_app": set(),
    "whichloop.records": set(),
    "whichloop.messages": {
        "whichloop.diagnose.causes",
        "whichloop.diagnose.case",
        "whichloop.diagnose.drivers",
    },
    "whichloop.diagnose.causes": {"whichloop.diagnose.case"},
    "whichloop.diagnose.case": {
        "whichloop.records",
        "whichloop.diagnose.cures",
        "whichloop.diagnose.drivers",
    },
    "whichloop.diagnose.cures": {"whichloop.records"},
    "whichloop.diagnose.drivers": set(),
    "whichloop.observe": {"whichloop.records"},
    "whichloop.diagnose": {"whichloop.records", "whichloop.messages"},
    "whichloop.present": {"whichloop.records"},
    "whichloop": {"whichloop.observe", "whichloop.diagnose", "whichloop.present"}
    | {"whichloop.records", "whichloop.messages"},
}


def files(*folders: str) -> list[Path]:
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in paths if "zoo" not in path.parts]


def module_of(path: Path) -> str:
    """ "scripts.run.model"."""
    base = ROOT / "whichloop" / "src" if "whichloop" in path.parts else ROOT
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """The room of a module; "" if it is none of ours."""
    return max((room for room in ROOMS if within(module, room)), key=len, default="")


def within(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def imported(tree: ast.Module, path: Path) -> Iterator[tuple[int, str]]:
    """The line and name of everything that is imported anywhere in a file."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("folder", SOURCES)
def test_no_import_points_up(folder):
    wrong = []
    for path in files(folder):
        room = room_of(module_of(path))
        for line, name in imported(ast.parse(path.read_text("utf-8")), path):
            other = room_of(name)
            if other and not any(within(other, may) for may in ROOMS[room] | {room}):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")

    assert not wrong, "\n".join(wrong)


def test_every_command_names_a_function():
    targets = re.findall(
        r'"(scripts[a-z_.]+):([a-z_]+)[ "]', (ROOT / "scripts/cli.py").read_text("utf-8")
    )

    assert len(targets) > 20
    for module, function in targets:
        path = ROOT / f"{module.replace('.', '/')}.py"
        assert f"\ndef {function}(" in path.read_text("utf-8"), f"{module}:{function}"
