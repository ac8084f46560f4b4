"""The difference between a side and broken/: the remedy itself."""

from __future__ import annotations

import difflib
import re
from fnmatch import fnmatch
from pathlib import Path

from scripts.paths import ROOT
from scripts.sides.manifest import Side

APP_DB = ROOT / "shared_app" / "configs" / "db.py"
# What a side's folder may hold: the files that are compared, and its texts.
FILES = ("conftest.py", "pytest.ini", "db.py", "test_*.py")
TEXTS = {"README.md", "remedy.toml", "variants.toml"}
# What Python, the tools and an editor leave there; none of it changes what pytest does.
GENERATED = ("__pycache__", "*.pyc", ".*_cache", ".DS_Store", "*~", "*.swp")
CAPTION = re.compile(r'^"""(Broken|Remedy \d\d|Trap \d\d): .*"""$')


def wrappers(folder: Path) -> list[str]:
    """The names of a side's wrapper modules."""
    return sorted(path.name for path in folder.glob("test_*.py"))


def counterpart(side: Side, name: str) -> Path:
    """What a side's file is compared with: broken/'s, or the app's own for db.py."""
    return APP_DB if name == "db.py" else ROOT / "broken" / name


def names(side: Side) -> list[str]:
    """The files of a side that are compared."""
    folder = ROOT / side.folder
    own = [name for name in FILES if "*" not in name and (folder / name).exists()]
    return own + wrappers(folder)


def changed(side: Side) -> list[str]:
    """The files that differ from their counterparts."""
    differing = []
    for name in names(side):
        other = counterpart(side, name)
        if not other.exists() or other.read_text("utf-8") != text_of(side, name):
            differing.append(name)
    return differing


def text_of(side: Side, name: str) -> str:
    """A file of the side."""
    return (ROOT / side.folder / name).read_text("utf-8")


def unexpected(side: Side) -> list[str]:
    """What is not as the manifest says, a sentence each that begins with the file's name: files
    that differ and may not, or may and do not, that are missing, or that are too many."""
    needed = {"conftest.py", "pytest.ini", *wrappers(ROOT / "broken")}
    needed |= {"db.py"} & set(side.changes)
    present = files(ROOT / side.folder)
    differing = [
        name for name in changed(side) if name in needed and not differs_in_caption_only(side, name)
    ]
    too_many = (name for name in differing if listed_as(name) not in side.changes)
    too_few = {*side.changes} - {listed_as(name) for name in differing} - (needed - present)
    return [
        *(f"{name} differs from broken/" for name in too_many),
        *(f"{name} is as in broken/" for name in sorted(too_few)),
        *(f"{name} is missing" for name in sorted(needed - present)),
        *(f"{name} is no file of this side" for name in sorted(present - needed - TEXTS)),
    ]


def listed_as(name: str) -> str:
    """How the manifest's `changes` name a file: the wrappers all in one."""
    return "test_*.py" if name.startswith("test_") else name


def files(folder: Path) -> set[str]:
    """Every file below the folder that a person put there."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {
        path.as_posix()
        for path in paths
        if not any(fnmatch(part, pattern) for part in path.parts for pattern in GENERATED)
    }


def differs_in_caption_only(side: Side, name: str) -> bool:
    """Is the docstring's line all that the remedy's conftest.py changes?"""
    before = counterpart(side, name).read_text("utf-8").splitlines()
    after = text_of(side, name).splitlines()
    return name == "conftest.py" and without_caption(before) == without_caption(after)


def without_caption(lines: list[str]) -> list[str]:
    """The lines but for the docstring that is the caption of the diff."""
    return [line for line in lines if not CAPTION.match(line)]


def unified(side: Side) -> str:
    """The whole difference, as `diff -u` writes it; one of several equal ones stands for all."""
    parts: list[str] = []
    copies: dict[str, int] = {}
    for name in changed(side):
        other = counterpart(side, name)
        lines = difflib.unified_diff(
            other.read_text("utf-8").splitlines(keepends=True),
            text_of(side, name).splitlines(keepends=True),
            other.relative_to(ROOT).as_posix(),
            f"{side.folder}/{name}",
            n=2,
        )
        text = "".join(lines)
        body = "\n".join(line for line in text.splitlines()[2:] if line[:1] in "+-")
        body = body.replace(name.removesuffix(".py"), "")
        copies[body] = copies.get(body, 0) + 1
        if copies[body] == 1 or not name.startswith("test_"):
            parts.append(text)
    for count in copies.values():
        if count > 1:
            parts.append(f"(the same in {count - 1} more test_*.py)\n")
    return "".join(parts)


def size(side: Side) -> tuple[int, int]:
    """(added, removed) lines of the difference, the caption in the docstring not counted."""
    added = removed = 0
    for name in changed(side):
        other = counterpart(side, name).read_text("utf-8").splitlines()
        for line in difflib.unified_diff(other, text_of(side, name).splitlines(), n=0):
            if line.startswith(("+++", "---", "@@")) or CAPTION.match(line[1:]):
                continue
            added += line.startswith("+")
            removed += line.startswith("-")
    return added, removed
