"""What a check forbids, recognised in the syntax trees and options of two folders: ways round an
exercise, and cures that cure nothing. Nothing is imported or run."""

import ast
import configparser
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

GENERATED = ("__pycache__", ".*", "*.pyc", "*~", "*.swp")
# pytest's hooks by which a conftest decides what runs and how it ends.
OUTCOME_HOOKS = ("pytest_runtest_", "pytest_pyfunc_call", "pytest_ignore_collect")
OUTCOME_NAMES = ("collect_ignore", "collect_ignore_glob")
Definition = ast.FunctionDef | ast.AsyncFunctionDef


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
                found = list(weakened(before, after, name))
                changed = ast.dump(before) != ast.dump(after)
            elif name.endswith(".ini"):
                before_options, after_options = options_of(source, name), options_of(mine, name)
                changed, found = before_options != after_options, []
                if mutable:
                    both = before_options.items() ^ after_options.items()
                    odd = sorted({key for key, _ in both if not is_tunable(key)})
                    found = [Broken("options", f"{name}, {key}") for key in odd]
            else:
                changed = text_of(mine, name).split() != text_of(source, name).split()
                found = []
            yield from found
            if changed and not mutable and not found:
                yield Broken("not_yours", name)


def may_change(name: str, edit: Iterable[str]) -> bool:
    """Is a file the learner's to change?"""
    return any(fnmatch.fnmatch(name, pattern) for pattern in edit)


def is_tunable(key: str) -> bool:
    """May a learner change this option of an ini file? Reruns have an answer of their own."""
    return key.startswith("[pytest] asyncio_") or "reruns" in key


def weakened(before: ast.Module, after: ast.Module, name: str) -> Iterator[Broken]:
    """What makes the tests of a file weaker than they were."""
    is_wrapper = bool(stars(before)) and not tests_of(before)
    if stars(before) - stars(after) or (is_wrapper and tests_of(after)):
        yield Broken("changed_wrapper", name)
    now = tests_of(after)
    for test, was in tests_of(before).items():
        where = f"{name}, {test}"
        if test not in now:
            yield Broken("removed_test", where)
        elif is_empty(now[test]) or (has_await(was) and not has_await(now[test])):
            yield Broken("emptied_test", where)
        elif asserts(was) - asserts(now[test]):
            yield Broken("deleted_assert", where)
        elif catches(now[test]) > catches(was):
            yield Broken("caught_error", where)
    for rule in ("skip", "xfail"):
        if marks(after, rule) > marks(before, rule):
            yield Broken(rule, name)
    deciding = outcome_hooks(after) - outcome_hooks(before)
    if deciding:
        yield Broken("decided_outcome", f"{name}, {min(deciding)}")


def stars(tree: ast.Module) -> Counter[str]:
    """The modules of which a file imports everything: the wrappers' one line."""
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    return Counter(str(node.module) for node in imports if node.names[0].name == "*")


def tests_of(tree: ast.Module) -> dict[str, Definition]:
    """{"TestFlows::test_hot": its definition}."""
    found: dict[str, Definition] = {}
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in inner:
            if not isinstance(function, Definition) or not function.name.startswith("test"):
                continue
            called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
            if not any(last_name(name) == "fixture" for name in called):  # test_db, for one
                found[prefix + function.name] = function
    return found


def asserts(test: Definition) -> Counter[str]:
    return Counter(ast.dump(node.test) for node in ast.walk(test) if isinstance(node, ast.Assert))


def is_empty(test: Definition) -> bool:
    """Does it end before it does anything?"""
    doing = [s for s in test.body if not is_constant(s) and not isinstance(s, ast.Pass)]
    return not doing or isinstance(doing[0], ast.Return)


def is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def has_await(test: Definition) -> bool:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(node, waits) for node in ast.walk(test))


def catches(test: Definition) -> int:
    """How many places swallow an error."""
    return sum(
        (isinstance(node, ast.Try | ast.TryStar) and bool(node.handlers))
        or (isinstance(node, ast.Call) and last_name(node.func) in ("suppress", "raises"))
        for node in ast.walk(test)
    )


def marks(tree: ast.Module, rule: str) -> int:
    """How often a file says skip (or skipif, importorskip), or xfail: as a mark, call or text."""
    named = {"skip": ("skip", "skipif", "importorskip", "SkipTest"), "xfail": ("xfail",)}[rule]
    return sum(
        (isinstance(node, ast.Attribute | ast.Name) and last_name(node) in named)
        or (isinstance(node, ast.Constant) and node.value in named)
        for node in ast.walk(tree)
    )


def outcome_hooks(tree: ast.Module) -> set[str]:
    """Names by which a file decides on outcomes, or on what is collected."""
    defined = {node.name for node in tree.body if isinstance(node, Definition)}
    assigned = {
        last_name(target)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    return {name for name in defined if name.startswith(OUTCOME_HOOKS)} | (
        assigned & set(OUTCOME_NAMES)
    )


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def pre_ping(tree: ast.Module) -> bool:
    words = (word for call in calls(tree) for word in call.keywords)
    return any(w.arg == "pool_pre_ping" and ast.unparse(w.value) == "True" for w in words)


def reruns(tree: ast.Module) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "flaky" for n in ast.walk(tree))


def nested(tree: ast.Module) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    names = (
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in imports
        for alias in node.names
    )
    return any(name.startswith("nest_asyncio") for name in names)


def id_as_key(tree: ast.Module) -> bool:
    """Is `id` called with a loop, or with a call that gives one?"""
    arguments = (
        call.args[0].func if isinstance(call.args[0], ast.Call) else call.args[0]
        for call in calls(tree)
        if last_name(call.func) == "id" and call.args
    )
    return any("loop" in last_name(argument).lower() for argument in arguments)


def closed_guard(tree: ast.Module) -> bool:
    return any(last_name(call.func) == "is_closed" for call in calls(tree))


def loop_override(tree: ast.Module) -> bool:
    functions = (node for node in ast.walk(tree) if isinstance(node, Definition))
    return any(function.name == "event_loop" for function in functions)


FALSE_CURES: dict[str, Callable[[ast.Module], bool]] = {
    "pool_pre_ping": pre_ping,
    "reruns": reruns,
    "nest_asyncio": nested,
    "id_of_loop": id_as_key,
    "is_closed": closed_guard,
    "event_loop": loop_override,
}


def false_cures(mine: Path, source: Path) -> Iterator[Broken]:
    """The false cures that the learner has put in, or changed. Raises Unreadable."""
    for name in sorted(names_of(mine)):
        is_new = not (source / name).exists()
        if name.endswith(".py"):
            tree = tree_of(mine, name)
            before = ast.Module([], []) if is_new else tree_of(source, name)
            for cure, is_in in FALSE_CURES.items():
                kept = is_in(before) and ast.dump(before) == ast.dump(tree)
                if is_in(tree) and not kept and (cure == "event_loop" or not is_in(before)):
                    yield Broken(cure, name)
        elif name.endswith(".ini"):
            if any("reruns" in key + value for key, value in options_of(mine, name).items()):
                yield Broken("reruns", name)
        elif name.startswith("requirements") and is_downgrade(text_of(mine, name)):
            yield Broken("downgrade", name)


def is_downgrade(requirements: str) -> bool:
    """Does a line allow no pytest-asyncio from 1.0 on?"""
    for line in requirements.splitlines():
        try:
            requirement = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:
            continue
        if requirement.name == "pytest-asyncio":
            return not any(requirement.specifier.contains(v) for v in ("1.0.0", "1.5.0", "1.99"))
    return False
