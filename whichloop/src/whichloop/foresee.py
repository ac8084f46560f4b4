"""Objects that outlive the loops of the tests that use them, before any test runs."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from types import FunctionType
from typing import Any, NamedTuple

from whichloop.audit import ORDER, Test
from whichloop.diagnose.causes import OUTLIVES
from whichloop.observe.frames import is_user_file, shown
from whichloop.observe.kept import MAX_OF_MODULE, Keeper, Kept, Walk
from whichloop.observe.named import Named, Names
from whichloop.records import Foreseen, Site

_OTHERS = "; that a test waits for it is not seen, because a dependency keeps it"
MAX_NAMED = 3  # keepers of one object
# Names by which code may end or replace what another loop has used.
_ENDS = {"dispose", "aclose", "configure", "reload", "dependency_overrides", "NullPool"}
_PATCHES = {"setattr", "patch", "object"}
_LIFESPANS = {"LifespanManager", "lifespan_context"}
_ANY = {*_ENDS, *_PATCHES, *_LIFESPANS, "cache_clear"}


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


# A test that uses an object, and the loops on which it does.
_Used = tuple[_Use, set[tuple[str, str]]]


def foresee(tests: Iterable[Test], names: Names) -> list[Foreseen]:
    """What modules, caches and fixtures keep longer than a loop, with the tests on several loops
    that use it: certain where they name it, and a note where that is not seen, where the object is
    not there yet, or where code that a test uses may end or replace it."""
    walk = Walk(names)
    fixtures: dict[int, Kept] = {}
    uses = []
    for test in tests:
        scope, function = test.loop_scope, test.function
        if scope is None or function is None:
            continue
        own = _loop(test.nodeid, scope)
        parts = [_Part("", function, test.owner, own)]
        for name, _, behind, cached, runs in test.fixtures:
            if behind is None or not is_user_file(behind.__code__.co_filename):
                continue
            loop = own if runs is None or runs == scope else _loop(test.nodeid, runs)
            parts.append(_Part(name, behind, None, loop))
            if runs is None and cached != scope and ORDER.index(cached) > ORDER.index(scope):
                _cached(name, behind, walk, fixtures)
        uses.append(_Use(test.nodeid, parts))
    if len({part.loop for use in uses for part in use.parts}) < 2:
        return []
    kept = [*walk.all(), *fixtures.values()]
    others = walk.of_others()
    users = _users(kept, uses, walk.names)
    return [
        *_cut(walk.cut),
        *(finding for one in kept for finding in _findings(one, uses, users, walk.names)),
        *(_finding(one, [(use, {use.parts[0].loop}) for use in uses], _OTHERS) for one in others),
    ]


# By an object's id, and then by the place of the use: the loops on which that uses it.
_Users = dict[int, dict[int, set[tuple[str, str]]]]


def _users(kept: list[Kept], uses: list[_Use], names: Names) -> _Users:
    """Who uses what of the ids by which code can be seen to use what is kept."""
    wanted = {holder for one in kept for holder in one.ids}
    known: dict[tuple[int, int], set[int]] = {}
    users: _Users = defaultdict(dict)
    for at, use in enumerate(uses if wanted else ()):
        for part in use.parts:
            key = id(part.code), id(part.owner)
            if key not in known:
                ids = names.reach(part.code, part.owner).ids
                known[key] = wanted & ids | wanted & {id(part.code)}
            for holder in known[key]:
                users[holder].setdefault(at, set()).add(part.loop)
    return users


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


def _findings(kept: Kept, uses: list[_Use], users: _Users, names: Names) -> Iterable[Foreseen]:
    loops: dict[int, set[tuple[str, str]]] = {}
    for holder in kept.ids:
        for at, of_it in users.get(holder, {}).items():
            loops[at] = loops.get(at, set()) | of_it
    used = [(uses[at], loops[at]) for at in sorted(loops)]
    known: dict[tuple[int, int], Any] = {}
    ended = [_ended(kept, use, names, known) for use, _ in used]
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


def _ended(kept: Kept, use: _Use, names: Names, known: dict[tuple[int, int], Any]) -> str:
    """What of a test or its fixtures may end the object, or put another in its place; ``known`` has
    the function that does so for each that was read."""
    for part in use.parts:
        key = id(part.code), id(part.owner)
        if key not in known:
            reached = names.reach(part.code, part.owner).parts
            known[key] = next((named.function for named in reached if _ends(named, kept)), None)
        if (through := known[key]) is not None:
            by = f"fixture {part.fixture}" if part.fixture else f"test {use.test}"
            return by if through is part.code else f"{by} (in {through.__name__})"
    return ""


def _ends(part: Named, kept: Kept) -> bool:
    code = part.code
    if not code.stored and _ANY.isdisjoint(code.all) and _ANY.isdisjoint(code.texts):
        return False  # of nearly every test
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
