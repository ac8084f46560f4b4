"""Objects that outlive the loops of the tests that use them, before any test runs."""

import ast
from collections.abc import Iterable
from types import FunctionType
from typing import Any, NamedTuple

from whichloop.audit import (
    ORDER,
    function_of_test,
    loop_scope_of_fixture,
    loop_scope_of_test,
    written,
)
from whichloop.diagnose.causes import OUTLIVES
from whichloop.observe.frames import is_user_file, shown
from whichloop.observe.kept import MAX_OF_MODULE, Keeper, Kept, Walk
from whichloop.observe.named import Named, Names
from whichloop.records import Foreseen, Settings, Site

MAX_NAMED = 3  # keepers of one object
# Names by which code may end or replace what another loop has used.
_ENDS = {"dispose", "aclose", "configure", "reload", "dependency_overrides", "NullPool"}
_PATCHES = {"setattr", "patch", "object"}
_LIFESPANS = {"LifespanManager", "lifespan_context"}


class _Part(NamedTuple):
    """A test's function, or that of a fixture which it uses (``fixture`` is its name), and the loop
    that it runs on. ``owner`` is the class of a method."""

    fixture: str
    code: Any
    owner: Any
    loop: tuple[str, str]


class _Use(NamedTuple):
    """A coroutine test, its function first and then its fixtures."""

    test: str
    parts: list[_Part]

    def loops(self, ids: set[int], names: Names) -> set[tuple[str, str]]:
        """On which loops it uses what has one of these ids."""
        return {
            part.loop
            for part in self.parts
            if id(part.code) in ids or ids & names.reach(part.code, part.owner).ids
        }


# A test that uses an object, and the loops on which it does.
_Used = tuple[_Use, set[tuple[str, str]]]


def foresee(items: Iterable[Any], settings: Settings) -> list[Foreseen]:
    """What modules, caches and fixtures keep longer than a loop, with the tests on several loops
    that use it: certain where they name it, and a note where that is not seen, where the object is
    not there yet, or where code that a test uses may end or replace it."""
    walk = Walk(Names())
    fixtures: dict[int, Kept] = {}
    uses = []
    for item in items:
        definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None) or {}
        loops = definitions.get("event_loop")
        event_loop = str(loops[-1].scope) if loops else "function"
        scope = loop_scope_of_test(item, settings, event_loop)
        function = function_of_test(item)
        if scope is None or function is None:
            continue
        own = _loop(item.nodeid, scope)
        parts = [_Part("", function, getattr(item, "cls", None), own)]
        for name, stack in definitions.items():
            behind = written(stack[-1].func) if stack else None
            if behind is None or not is_user_file(behind.__code__.co_filename):
                continue
            runs = loop_scope_of_fixture(stack[-1], settings, event_loop)
            loop = own if runs is None else _loop(item.nodeid, runs)
            parts.append(_Part(name, behind, None, loop))
            if runs is None and ORDER.index(str(stack[-1].scope)) > ORDER.index(scope):
                _cached(name, behind, walk, fixtures)
        uses.append(_Use(item.nodeid, parts))
    if len({part.loop for use in uses for part in use.parts}) < 2:
        return []
    kept = [*walk.all(), *fixtures.values()]
    return [
        *_cut(walk.cut),
        *(finding for one in kept for finding in _findings(one, uses, walk.names)),
    ]


def _cut(files: list[str]) -> Iterable[Foreseen]:
    for file in files:
        text = f"of {shown(file)} only the first {MAX_OF_MODULE:,} objects were looked at"
        yield Foreseen(OUTLIVES.code, OUTLIVES.name, text, Site(shown(file), 1), sure=False)


def _cached(name: str, function: FunctionType, walk: Walk, fixtures: dict[int, Kept]) -> None:
    """A fixture that is no coroutine and is cached for longer than the loop of its test lives."""
    label = walk.built_by(function)
    if label is not None:
        code = function.__code__
        file, path = code.co_filename, f"fixture {name}"
        keeper = Keeper(function.__module__, file, code.co_name, path, (id(function),), True)
        fixtures[id(function)] = Kept(label, True, [keeper])


def _loop(nodeid: str, scope: str) -> tuple[str, str]:
    """A loop by its scope and the part of the suite that it is for."""
    file, _, inside = nodeid.partition("::")
    parts = {
        "function": nodeid,
        "class": f"{file}::{inside.partition('[')[0].rpartition('::')[0]}",
        "module": file,
        "package": file.rpartition("/")[0],
    }
    return scope, parts.get(scope, "")


def _findings(kept: Kept, uses: list[_Use], names: Names) -> Iterable[Foreseen]:
    used = [(use, loops) for use in uses if (loops := use.loops(kept.ids, names))]
    ended = [_ended(kept, use, names) for use, _ in used]
    left = [row for row, by in zip(used, ended, strict=True) if not by]
    if len(_all_loops(left)) > 1:
        yield _finding(kept, left, sure=not kept.may)
    elif len(_all_loops(used)) > 1:
        by = next(filter(None, ended))
        yield _finding(kept, used, f"; {by} may end or replace it")
    elif not used:
        why = "; that a test uses it is not seen from the names in its code"
        yield _finding(kept, [(use, {use.parts[0].loop}) for use in uses], why)


def _all_loops(used: list[_Used]) -> set[tuple[str, str]]:
    return {loop for _, loops in used for loop in loops}


def _ended(kept: Kept, use: _Use, names: Names) -> str:
    """What of a test or its fixtures may end the object, or put another in its place."""
    for part in use.parts:
        for named in names.reach(part.code, part.owner).parts:
            if _ends(named, kept):
                by = f"fixture {part.fixture}" if part.fixture else f"test {use.test}"
                through = named.function
                return by if through is part.code else f"{by} (in {through.__name__})"
    return ""


def _ends(part: Named, kept: Kept) -> bool:
    words, names = part.words, {keeper.name for keeper in kept.keepers}
    if words & _LIFESPANS:
        return True
    if kept.ids & set(part.objects):
        only_cached = all(keeper.cached for keeper in kept.keepers)
        if words & _ENDS or names & part.code.stored or (only_cached and "cache_clear" in words):
            return True
    # monkeypatch.setattr(db, "engine", …) or patch("app.db.engine")
    if not words & _PATCHES:
        return False
    paths = {f"{keeper.module}.{keeper.name}" for keeper in kept.keepers}
    modules = {keeper.module for keeper in kept.keepers} & part.modules
    return bool(paths & part.code.texts) or bool(modules and names & part.code.texts)


def _finding(kept: Kept, used: list[_Used], why: str = "", sure: bool = False) -> Foreseen:
    loops = _all_loops(used)
    homes = [(keeper, line) for keeper in kept.keepers if (line := _line(keeper))]
    homes = homes or [(kept.keepers[0], 1)]
    paths = list(dict.fromkeys(f"{shown(keeper.file)}: {keeper.path}" for keeper, _ in homes))
    keeps = "keep" if len(paths) > 1 else "keeps"
    paths[MAX_NAMED:] = [f"{len(paths) - MAX_NAMED} more"] if len(paths) > MAX_NAMED else []
    keeps = f"may {keeps.removesuffix('s')}" if kept.may else keeps
    scopes = " and ".join(sorted({scope for scope, _ in loops}))
    tests = f"{len(used)} coroutine test{'' if len(used) == 1 else 's'}"
    text = (
        f"{' and '.join(paths)} {keeps} one {kept.label} beyond one loop: {tests} run on "
        f"{len(loops)} loops (loop scope {scopes}){why}"
    )
    keeper, line = homes[0]
    site, on = Site(shown(keeper.file), line), tuple(use.test for use, _ in used)
    likely = not sure and not why
    return Foreseen(OUTLIVES.code, OUTLIVES.name, text, site, sure, on, likely)


def _line(keeper: Keeper) -> int | None:
    """The line where a module sets the name itself; None for one that it imports."""
    try:
        with open(keeper.file, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        else:
            continue
        if name == keeper.name:
            return node.lineno
    return None
