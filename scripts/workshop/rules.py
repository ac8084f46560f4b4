"""What a check forbids, recognised in the syntax trees and options of two folders: ways round an
exercise, and cures that cure nothing. Nothing is imported or run."""

import ast
import configparser
import contextlib
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

GENERATED = ("__pycache__", ".*", "*.pyc", "*~", "*.swp")
Definition = ast.FunctionDef | ast.AsyncFunctionDef
# Patterns of `facts`: a wrapper's import, what swallows an error, what makes a file's tests weaker
# (skips, xfails, and hooks that decide what runs and how it ends), and cures that cure nothing.
STAR, CATCH = r"from:.*:\*", "except|call:(suppress|raises)"
WEAKER = {
    "skip": "(name|text):(skip|skipif|importorskip|SkipTest)",
    "xfail": "(name|text):xfail",
    "decided_outcome": "def:pytest_(runtest_.*|pyfunc_call|ignore_collect)"
    "|set:collect_ignore(_glob)?",
}
FALSE_CURES = {
    "pool_pre_ping": "keyword:pool_pre_ping=True",
    "reruns": "name:flaky",
    "nest_asyncio": "(import|from):nest_asyncio.*",
    "id_of_loop": "id:.*loop.*",
    "is_closed": "call:is_closed",
    "event_loop": "def:event_loop",
}


class Broken(NamedTuple):
    """A rule that does not hold: its id in the manifest, and where in the learner's folder."""

    rule: str
    where: str


class Unreadable(Exception):
    """A file of the learner's that cannot be read; the text says which line and why."""


def names_of(folder: Path) -> set[str]:
    """Every file below a folder that a person put there, with slashes."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in paths
        if not any(fnmatch.fnmatch(part, drop) for part in path.parts for drop in GENERATED)
    }


def text_of(folder: Path, name: str) -> str:
    """The text of a file. Raises Unreadable if it is none."""
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Unreadable(f"{name} cannot be read: {error}") from None


def tree_of(folder: Path, name: str) -> ast.Module:
    """The syntax tree of a file. Raises Unreadable with the line of a mistake."""
    try:
        return ast.parse(text_of(folder, name))
    except SyntaxError as error:
        raise Unreadable(f"{name}, line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name} cannot be parsed: {error}") from None


def options_of(folder: Path, name: str) -> dict[str, str]:
    """The options of an ini file, "[pytest] asyncio_mode" → "auto". Raises Unreadable."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    try:
        parser.read_string(text_of(folder, name))
    except configparser.Error as error:
        raise Unreadable(f"{name}: {' '.join(str(error).split())}") from None
    return {
        f"[{section}] {key}": " ".join(value.split())
        for section in parser.sections()
        for key, value in parser.items(section)
    }


def missing(mine: Path, source: Path) -> list[str]:
    """The files of the exercise that are not in the learner's folder."""
    return sorted(names_of(source) - names_of(mine))


def ways_round(mine: Path, source: Path, edit: Iterable[str]) -> Iterator[Broken]:
    """Every way round the exercise in `source` that the folder `mine` takes. Raises Unreadable."""
    patterns = tuple(edit)
    for name in sorted(names_of(mine) | names_of(source)):
        mutable = may_change(name, patterns)
        there = (mine / name).exists(), (source / name).exists()
        if there == (True, False):
            if name.endswith((".py", ".ini", ".toml", ".cfg")) and not mutable:
                yield Broken("new_file", name)
        elif there == (True, True):
            if name.endswith(".py"):
                before, after = tree_of(source, name), tree_of(mine, name)
                breaks = list(weakened(before, after, name))
                changed = ast.dump(before) != ast.dump(after)
            elif name.endswith(".ini"):
                before_options, after_options = options_of(source, name), options_of(mine, name)
                changed, breaks = before_options != after_options, []
                if mutable:
                    both = before_options.items() ^ after_options.items()
                    odd = sorted({key for key, _ in both if not is_tunable(key)})
                    breaks = [Broken("options", f"{name}, {key}") for key in odd]
            else:
                changed = text_of(mine, name).split() != text_of(source, name).split()
                breaks = []
            yield from breaks
            if changed and not mutable and not breaks:
                yield Broken("not_yours", name)


def may_change(name: str, edit: Iterable[str]) -> bool:
    """Is a file the learner's to change?"""
    return any(fnmatch.fnmatch(name, pattern) for pattern in edit)


def is_tunable(key: str) -> bool:
    """May a learner change this option of an ini file? Reruns have an answer of their own."""
    return key.startswith("[pytest] asyncio_") or "reruns" in key


def weakened(before: ast.Module, after: ast.Module, name: str) -> Iterator[Broken]:
    """What makes the tests of a file weaker than they were."""
    was, now, in_all, in_mine = tests_of(before), tests_of(after), facts(before), facts(after)
    if count(STAR, in_mine) < count(STAR, in_all) or (count(STAR, in_all) and now and not was):
        yield Broken("changed_wrapper", name)
    for test, old in was.items():
        where = f"{name}, {test}"
        if test not in now:
            yield Broken("removed_test", where)
            continue
        had, has = facts(old), facts(now[test])
        if is_empty(now[test]) or (count("await", had) and not count("await", has)):
            yield Broken("emptied_test", where)
        elif any(has[fact] < had[fact] for fact in had if fact.startswith("assert:")):
            yield Broken("deleted_assert", where)
        elif count(CATCH, has) > count(CATCH, had):
            yield Broken("caught_error", where)
    for rule, pattern in WEAKER.items():
        if count(pattern, in_mine) > count(pattern, in_all):
            yield Broken(rule, name)


def tests_of(tree: ast.Module) -> dict[str, Definition]:
    """{"TestFlows::test_hot": its definition}."""
    definitions: dict[str, Definition] = {}
    for node in tree.body:
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, Definition) and function.name.startswith("test"):
                called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
                if not any(last_name(name) == "fixture" for name in called):  # test_db, for one
                    definitions[prefix + function.name] = function
    return definitions


def is_empty(test: Definition) -> bool:
    """Does it end before it does anything?"""
    doing = [
        statement
        for statement in test.body
        if not isinstance(statement, ast.Pass)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    return not doing or isinstance(doing[0], ast.Return)


def facts(tree: ast.AST) -> Counter[str]:
    """What a piece of code has of what the rules ask for, "call:is_closed" say, and how often."""
    facts: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                facts[f"def:{node.name}"] += 1
            case ast.Assign():
                facts.update(f"set:{last_name(target)}" for target in node.targets)
            case ast.Assert():
                facts[f"assert:{ast.dump(node.test)}"] += 1
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                facts["await"] += 1
            case ast.ExceptHandler():
                facts["except"] += 1
            case ast.Import():
                facts.update(f"import:{alias.name}" for alias in node.names)
            case ast.ImportFrom():
                facts.update(f"from:{node.module}:{alias.name}" for alias in node.names)
            case ast.keyword():
                facts[f"keyword:{node.arg}={ast.unparse(node.value)}"] += 1
            case ast.Attribute() | ast.Name():
                facts[f"name:{last_name(node)}"] += 1
            case ast.Constant() if isinstance(node.value, str):
                facts[f"text:{node.value}"] += 1
            case ast.Call():
                name = last_name(node.func)
                facts[f"call:{name}"] += 1
                if name == "id" and node.args:
                    [first, *_] = node.args
                    of = last_name(first.func if isinstance(first, ast.Call) else first)
                    facts[f"id:{of}"] += 1
    return facts


def count(pattern: str, facts: Counter[str]) -> int:
    return sum(number for fact, number in facts.items() if re.fullmatch(pattern, fact, re.S))


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def false_cures(mine: Path, source: Path) -> Iterator[Broken]:
    """The false cures that the learner has put in, or changed. Raises Unreadable."""
    for name in sorted(names_of(mine)):
        if name.endswith(".py"):
            old = tree_of(source, name) if (source / name).exists() else ast.Module([], [])
            new = tree_of(mine, name)
            changed, had, has = ast.dump(old) != ast.dump(new), facts(old), facts(new)
            for cure, pattern in FALSE_CURES.items():
                more = count(pattern, has) > count(pattern, had)
                if more or (cure == "event_loop" and changed and count(pattern, has)):
                    yield Broken(cure, name)
        elif name.endswith(".ini"):
            if any("reruns" in key + value for key, value in options_of(mine, name).items()):
                yield Broken("reruns", name)
        elif name.startswith("requirements") and is_downgrade(text_of(mine, name)):
            yield Broken("downgrade", name)


def is_downgrade(requirements: str) -> bool:
    """Does a line allow no pytest-asyncio from 1.0 on?"""
    for line in requirements.splitlines():
        with contextlib.suppress(InvalidRequirement):
            requirement = Requirement(line.partition("#")[0].strip())
            if requirement.name == "pytest-asyncio":
                return not any(
                    requirement.specifier.contains(v) for v in ("1.0.0", "1.5.0", "1.99")
                )
    return False
