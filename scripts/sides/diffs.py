"""The difference between a side and broken/: the remedy itself."""

import difflib
import re
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

from scripts.paths import ROOT
from scripts.sides.manifest import Side

APP_DB = ROOT / "shared_app" / "configs" / "db.py"
# What a side's folder may hold besides its wrappers: the files that are compared, and its texts.
FILES = ("conftest.py", "pytest.ini", "db.py")
TEXTS = {"README.md", "remedy.toml", "variants.toml"}
# What Python, the tools and an editor leave there; none of it changes what pytest does.
GENERATED = ("__pycache__", "*.pyc", ".*_cache", ".DS_Store", "*~", "*.swp")
CAPTION = re.compile(r'^"""(Broken|Remedy \d\d|Trap \d\d): .*"""$')


def wrappers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("test_*.py"))


def changed(side: Side) -> dict[str, tuple[Path, list[str], list[str]]]:
    """The files that differ: what each is compared with, broken/'s or the app's own db.py, and
    the lines of both."""
    folder = ROOT / side.folder
    own = [name for name in FILES if (folder / name).exists()]
    differing = {}
    for name in [*own, *wrappers(folder)]:
        other = APP_DB if name == "db.py" else ROOT / "broken" / name
        before = lines_of(other) if other.exists() else []
        after = lines_of(folder / name)
        if before != after:
            differing[name] = other, before, after
    return differing


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True)


def unexpected(side: Side) -> list[str]:
    """What is not as the manifest says, a sentence each that begins with the file's name: files
    that differ and may not, or may and do not, that are missing, or that are too many."""
    needed = {"conftest.py", "pytest.ini", *wrappers(ROOT / "broken")}
    needed |= {"db.py"} & set(side.changes)
    present = files(ROOT / side.folder)
    differing = [
        name
        for name, (_, before, after) in changed(side).items()
        if name in needed and without_caption(before) != without_caption(after)
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


def without_caption(lines: list[str]) -> list[str]:
    """The lines but for the docstring of conftest.py that is the caption of the diff."""
    return [line for line in lines if not CAPTION.match(line)]


def unified(side: Side) -> str:
    """The whole difference, as `diff -u` writes it; one of several equal ones stands for all."""
    parts: list[str] = []
    copies: Counter[str] = Counter()
    for name, (other, before, after) in changed(side).items():
        source, target = other.relative_to(ROOT).as_posix(), f"{side.folder}/{name}"
        lines = list(difflib.unified_diff(before, after, source, target, n=2))
        body = "".join(line for line in lines[2:] if line[:1] in "+-")
        body = body.replace(name.removesuffix(".py"), "")
        copies[body] += 1
        if copies[body] == 1 or not name.startswith("test_"):
            parts += lines
    for count in copies.values():
        if count > 1:
            parts.append(f"(the same in {count - 1} more test_*.py)\n")
    return "".join(parts)
