"""Calls in the project's own code that fail under a running loop, or that take a loop for what it
is not: read from the syntax trees of its files, of those only whose text has such a word."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from whichloop.audit import Fixture, Test
from whichloop.diagnose.codes import KEY, NESTED, PATCHED
from whichloop.observe import peek
from whichloop.observe.frames import is_user_file, own_modules, shown
from whichloop.observe.named import Names
from whichloop.records import Foreseen, Site

_TEXT = re.compile(r"\bid\(|is_closed\(|nest_asyncio")
_RUN_TEXT = re.compile(r"\b(asyncio\.run|run_until_complete)\(")
_RUNS = {"run", "run_until_complete"}
_RUN = re.compile(r"asyncio\.run|.+\.run_until_complete")
# Where the call must raise: the loop runs already, or another one in this thread.
_RAISES = re.compile(
    r"asyncio\.(run|(get_event_loop|get_running_loop|new_event_loop)\(\)\.run_until_complete)"
)
_MARKS = ("skip", "skipif", "xfail")
# What a call may stand in and is reached for certain, if nothing before it leaves the function.
_PLAIN = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return, ast.Call, ast.Await)
_LEAVES = (ast.Return, ast.Raise, ast.Yield)
_SKIPS = {"skip", "xfail", "importorskip"}
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOP = re.compile(r"loop(\(\))?$")
_KEYED = {"get", "setdefault", "pop", "add", "discard", "remove"}
_HELD = ast.Attribute | ast.Subscript
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def foresee_calls(tests: Iterable[Test], names: Names) -> list[Foreseen]:
    """Runs of a loop in what a loop runs, and loops taken for keys and guards; each is told once,
    with the tests whose code leads to it."""
    found: dict[Foreseen, list[str]] = {}
    known: dict[int, list[Foreseen]] = {}
    texts: dict[str, bool] = {}  # has a file such a call at all?
    coroutines = [test for test in tests if peek.is_coroutine(test.function)]
    for test in coroutines:
        parts: list[Test | Fixture] = [test, *test.fixtures]
        for part in parts:
            function: Any = part.function
            if id(function) not in known:
                runs = peek.is_coroutine(function) and _runs(part, function, names, texts)
                known[id(function)] = list(runs or ())
            for finding in known[id(function)]:
                found.setdefault(finding, []).append(test.nodeid)
    files = {held["__file__"] for _, held in own_modules()} if coroutines else set()
    for file in sorted(files):
        for code, text, node, line in _in_file(file):
            finding = Foreseen(*code, text, Site(shown(file), node.lineno), sure=False)
            users = (test for test in coroutines if _leads_to(test, file, line, names))
            found.setdefault(finding, [test.nodeid for test in users])
    return [finding._replace(tests=tuple(nodes)) for finding, nodes in found.items()]


def _runs(
    part: Test | Fixture, function: FunctionType, names: Names, texts: dict[str, bool]
) -> Iterator[Foreseen]:
    """Calls of asyncio.run and the like in a coroutine, and in what it calls of its own module."""
    file = function.__code__.co_filename
    if file not in texts:
        texts[file] = is_user_file(file) and _tree(file, _RUN_TEXT) is not None
    if not texts[file]:
        return
    own = f"test {function.__name__}" if isinstance(part, Test) else f"fixture {part.name}"
    inner = [obj for obj in names.of(function).objects.values() if type(obj) is FunctionType]
    for caller in (function, *inner):
        code, through = caller.__code__, caller is not function
        if code.co_filename != file or (through and peek.is_coroutine(caller)):
            continue
        if _RUNS.isdisjoint(code.co_names):
            continue
        for node, certain in _run_calls(file, code.co_firstlineno):
            called = ast.unparse(node.func)
            sure = certain and not through and _RAISES.fullmatch(called) is not None
            sure = sure and _runs_under_asyncio(part)
            by = f"{own} calls {caller.__name__}, and that" if through else own
            fails = "raises" if sure else "raises if it is reached"
            text = f"{by} calls {called}(), which {fails} where a loop runs already"
            yield Foreseen(*NESTED, text, Site(shown(file), node.lineno), sure)


def _runs_under_asyncio(part: Test | Fixture) -> bool:
    """Is it run for certain, by pytest-asyncio, and with asyncio as it is?"""
    if part.loop_scope is None or "nest_asyncio" in sys.modules:
        return False
    return not isinstance(part, Test) or not any(map(part.item.get_closest_marker, _MARKS))


def _run_calls(file: str, line: int) -> Iterator[tuple[ast.Call, bool]]:
    """The calls in the function that begins at a line, and whether they are reached for certain."""
    for node, around in _calls(_tree(file)):
        inside = [one for one in around if isinstance(one, _INNER)]
        if not _RUN.fullmatch(ast.unparse(node.func)) or not inside or _line(inside[0]) != line:
            continue
        leaves = (
            isinstance(one, _LEAVES) or (isinstance(one, ast.Attribute) and one.attr in _SKIPS)
            for one in ast.walk(inside[0])
            if getattr(one, "lineno", node.lineno) < node.lineno
        )
        plain = all(isinstance(one, _PLAIN) for one in around[: around.index(inside[0])])
        yield node, plain and not any(leaves)


def _in_file(file: str) -> Iterator[tuple[tuple[str, str], str, ast.Call, int]]:
    """nest_asyncio, and loops as keys or guards of what is kept: code, text, place, and the line at
    which the outermost function around it begins."""
    tree = _tree(file, _TEXT)
    patches = {"nest_asyncio.apply"}
    for one in ast.walk(tree or ast.Module([], [])):
        if isinstance(one, ast.ImportFrom) and one.module == "nest_asyncio":
            patches |= {alias.asname or alias.name for alias in one.names}
    for node, around in _calls(tree):
        functions = [one for one in around if isinstance(one, _Function)]
        line = _line(functions[-1]) if functions else 0
        called, text = ast.unparse(node.func), ast.unparse(node)
        if called in patches:
            text += " lets a running loop be entered again; it moves no object to another loop"
            yield PATCHED, text, node, line
        elif called == "id" and _LOOP.search(text[3:-1]) and _is_key(node, around):
            text += " is a key that a later loop may have, too, once this one is gone"
            yield KEY, text, node, line
        elif called.endswith("loop.is_closed") and _is_guard(node, around):
            text += " guards what is kept, and misses another loop that is still open"
            yield KEY, text, node, line


def _is_key(node: ast.AST, around: list[ast.AST], named: bool = True) -> bool:
    """Is it looked up, compared or kept by, directly or ``named`` in the function?"""
    at = next(n for n, one in enumerate(around) if not isinstance(one, ast.Tuple))
    node, above = (around[at - 1] if at else node), around[at]
    if isinstance(above, ast.Compare):
        return not any(isinstance(one, ast.Assert) for one in around)
    if isinstance(above, ast.Call):
        return isinstance(above.func, ast.Attribute) and above.func.attr in _KEYED
    if isinstance(above, ast.Assign):
        if any(isinstance(target, _HELD) for target in above.targets):
            return True
        local = {target.id for target in above.targets if isinstance(target, ast.Name)}
        function = next((one for one in around if isinstance(one, _Function)), around[-1])
        return named and any(
            isinstance(use, ast.Name)
            and use.id in local
            and isinstance(use.ctx, ast.Load)
            and _is_key(use, around_it, named=False)
            for use, around_it in _nodes(function)
        )
    keys = above.keys if isinstance(above, ast.Dict) else [getattr(above, "slice", None)]
    return node in keys


def _is_guard(node: ast.AST, around: list[ast.AST]) -> bool:
    """Does it decide whether what is kept is used again or made anew?"""
    at = next(n for n, one in enumerate(around) if not isinstance(one, ast.BoolOp | ast.UnaryOp))
    below, above = (around[at - 1] if at else node), around[at]
    if not isinstance(above, ast.If | ast.IfExp) or above.test is not below:
        return False
    if isinstance(above, ast.IfExp):
        return isinstance(around[at + 1], ast.Return)
    shared = {
        name for one in ast.walk(around[-2]) if isinstance(one, ast.Global) for name in one.names
    }
    return any(
        isinstance(one, ast.Return)
        or (
            isinstance(one, ast.Name | _HELD)
            and isinstance(one.ctx, ast.Store)
            and (not isinstance(one, ast.Name) or one.id in shared)
        )
        for one in ast.walk(ast.Module([*above.body, *above.orelse], []))
    )


def _leads_to(test: Test, file: str, line: int, names: Names) -> bool:
    """Does the code of a test, or of one of its fixtures, lead to the function that begins at this
    line? A module's own lines concern all tests."""
    functions: list[tuple[Any, Any]] = [(test.function, test.owner)]
    functions += [(fixture.function, None) for fixture in test.fixtures]
    return not line or any(
        (part.function.__code__.co_filename, part.function.__code__.co_firstlineno) == (file, line)
        for function, owner in functions
        if function is not None and is_user_file(function.__code__.co_filename)
        for part in names.reach(function, owner).parts
    )


def _tree(file: str, words: re.Pattern[str] | None = None) -> ast.Module | None:
    """None for a file that cannot be read, or has none of the words."""
    try:
        with open(file, encoding="utf-8") as source:
            text = source.read()
        return ast.parse(text) if words is None or words.search(text) else None
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _line(node: Any) -> int:
    """Where a function begins, as its code object counts: at its first decorator."""
    return int(min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]))


def _calls(tree: ast.AST | None) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
    for node, around in _nodes(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            yield node, around


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Every node, with what stands around it, the innermost first and the tree last."""
    todo: list[tuple[ast.AST, list[ast.AST]]] = [(tree, [])]
    while todo:
        node, around = todo.pop()
        yield node, around
        todo += [(inner, [node, *around]) for inner in ast.iter_child_nodes(node)][::-1]
