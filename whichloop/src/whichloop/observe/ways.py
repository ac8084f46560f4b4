"""What holds an object: the way to it from a module's name, a fixture's value or a variable of the
failing code. Walked when a failure is explained, breadth first, so deep and through so many
objects; read through :mod:`whichloop.observe.peek`, and nothing of theirs is run."""

import asyncio
import functools
import gc
import itertools
import json
import re
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.frames import VENDORED, is_user_file, locals_of, own_modules
from whichloop.records import Actor

MAX_DEPTH = 10
MAX_STEPS, MAX_REACHED = 20_000, 1_000
MAX_HELD = 1_000  # of one container or object
MAX_KEY = 40  # letters
MAX_NAMES = 20_000  # of one module
MAX_LEVELS, MAX_OF_LEVEL, MAX_ASKED = 16, 40, 3_000_000
CACHE = "functools cache"
_CACHE: Any = functools._lru_cache_wrapper
_PLAIN = {
    *map(id, (str, bytes, int, float, bool, complex, type(None), re.Pattern, property)),
    *map(id, (types.BuiltinFunctionType, types.CodeType, types.ModuleType, weakref.ref)),
    *map(id, (types.MemberDescriptorType, types.GetSetDescriptorType)),
}
_RUNNING = (types.FrameType, types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
# What runs tests and loops knows everything, and keeps nothing for the project.
_MACHINERY = {"_pytest", "pytest", "pluggy", "pytest_asyncio", "uvloop", "whichloop"}
_MACHINERY |= {"logging", "threading", "concurrent", "importlib", "unittest"}


class Step(NamedTuple):
    """``name`` is the last part of the way, or where it begins anew; ``kind`` is that of the name
    which keeps all that follows, ``module`` the one in which the way begins."""

    value: Any
    name: str = ""
    kind: str = ""
    module: str = ""
    fixture: Actor | None = None
    before: "Step | None" = None
    depth: int = 0

    @property
    def way(self) -> list["Step"]:
        """The steps from the first to this one."""
        steps = [self]
        while steps[-1].before is not None:
            steps.append(steps[-1].before)
        return steps[::-1]

    def __str__(self) -> str:
        way = self.way
        start = max(at for at, step in enumerate(way) if not at or step.name[0] not in ".[(")
        return "".join(step.name for step in way[start:])


def find(
    roots: Iterable[Step],
    wanted: Callable[[Any], bool],
    limit: int = MAX_STEPS,
    among: set[int] | None = None,
    deep: int = MAX_DEPTH,
) -> Step | None:
    """The shortest way from one of the roots to what is wanted, ``among`` objects with these ids;
    None where there is none, or the walk would take too long."""
    todo, seen = deque(itertools.islice(roots, limit)), set[int]()
    for _ in range(limit):
        if not todo:
            return None
        step = todo.popleft()
        value, depth = step.value, step.depth + 1
        if wanted(value):
            return step
        if depth > deep or id(value) in seen or is_imported(value, step.module):
            continue
        seen.add(id(value))
        for name, inner, kind in held(value) if len(todo) < limit else ():
            if _is_worth(inner) and (among is None or id(inner) in among):
                kind = kind or step.kind
                todo.append(Step(inner, name, kind, step.module, step.fixture, step, depth))
    return None


def reach(values: Iterable[Any], deep: int) -> list[Any]:
    """The values and what they lead to, the nearest first."""
    reached: list[Any] = []

    def note(value: Any) -> bool:
        reached.append(value)
        return False

    find(map(Step, values), note, MAX_REACHED, deep=deep)
    return reached


def holders(objects: list[Any]) -> set[int]:
    """The ids of the objects, of what holds them, and so on upwards, to modules and classes. The
    collector asks all that it knows, at each level anew: the more that is, the fewer levels."""
    modules = {id(peek.attributes(module)) for module in list(sys.modules.values())}
    found, level = set(map(id, objects)), objects
    for _ in range(min(MAX_LEVELS, MAX_ASKED // len(gc.get_objects()))):
        above = [one for one in gc.get_referrers(*level) if id(one) not in found]
        above = [one for one in above if one is not level and type(one) not in _RUNNING]
        found |= set(map(id, above[:MAX_OF_LEVEL]))
        level = [one for one in above[:MAX_OF_LEVEL] if id(one) not in modules]
        level = [one for one in level if not peek.is_a(one, type)]
        if not level:
            break
    return found


def _is_worth(value: Any) -> bool:
    return id(type(value)) not in _PLAIN and not peek.is_loop(value)


def is_imported(value: Any, module: str) -> bool:
    """Is it a class of another module? That module keeps what it holds."""
    home = peek.bases(value)[0][2].get("__module__") if peek.is_a(value, type) else module
    return type(home) is not str or home != module


def of_modules(among: set[int] | None = None) -> Iterator[Step]:
    """The names in the project's own modules; or in installed ones, of what has one of these
    ids."""
    spaces = own_modules() if among is None else _of_packages()
    for module, space in spaces:
        for name, value in list(itertools.islice(space.items(), MAX_NAMES)):
            is_met = _is_worth(value) if among is None else id(value) in among
            if is_met and type(name) is str and not name.startswith("__"):
                kind = CACHE if type(value) is _CACHE else "module-level name"
                yield Step(value, f"{module}.{name}", kind, module)


def _of_packages() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, module in list(sys.modules.items()):
        if type(name) is str and package_of(name):
            yield name, peek.attributes(module)


def of_frame(frame: types.FrameType) -> Iterator[Step]:
    """The variables of a frame, and the globals that its code names."""
    named = (dict.get(frame.f_globals, name) for name in frame.f_code.co_names)
    return (Step(value) for value in (*locals_of([frame]), *named) if _is_worth(value))


def held(value: Any) -> Iterator[tuple[str, Any, str]]:
    """What an object holds, each with the name that leads from the one to the other, and what kind
    of name that is where it is one that keeps things."""
    if type(value) is _CACHE:
        yield from (("()", result, CACHE) for result in _results(value))
    elif type(value) is types.FunctionType:
        module, around = dict.get(value.__globals__, "__name__"), value.__qualname__
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False):
            path = f"{module}.{around.rpartition('.')[0]}.{name}"
            yield from ((path, inner, "closure") for inner in gc.get_referents(cell))
    elif type(value) is types.MethodType:
        yield ".__self__", value.__self__, ""
    elif type(value) is ContextVar:
        yield ".get()", value.get(None), "context variable"
    elif peek.is_a(value, type):
        for name, member in list(peek.bases(value)[0][2].items()):
            inner = member.__func__ if type(member) in (staticmethod, classmethod) else member
            yield f".{name}", inner, CACHE if type(inner) is _CACHE else "class attribute"
    elif not peek.is_a(value, asyncio.Future):
        yield from itertools.islice(((name, inner, "") for name, inner in _in(value)), MAX_HELD)


def _results(cache: Any) -> list[Any]:
    """What a functools cache holds: its arguments, too, which does no harm. Not by calling it."""
    # A cache without a limit has its results in a dictionary, others have them linked to it.
    pairs = ((ref, type(ref) is dict) for ref in gc.get_referents(cache))
    return [inner for ref, all in pairs for inner in (dict.values(ref) if all else [ref])]


def _in(value: Any) -> Iterator[tuple[str, Any]]:
    top = peek.class_of(value)[0].partition(".")[0]
    if top in _MACHINERY:
        return
    if peek.is_a(value, dict):
        yield from ((f"[{_key(key)}]", inner) for key, inner in dict.items(value))
    else:
        yield from ((f"[{at}]", inner) for at, inner in enumerate(peek.items(value)))
    for name, inner in list(dict.items(peek.attributes(value))):
        yield f".{name}", inner
    for module, _, members in peek.bases(type(value)):
        for name, member in list(members.items()):
            if type(member) is types.MemberDescriptorType and not name.startswith("__"):
                yield f".{name}", peek.attribute(value, name)
        # What an extension's class holds has no names that could be seen.
        is_extension = type(members.get("__new__")) is types.BuiltinFunctionType
        if is_extension and module.partition(".")[0] not in sys.stdlib_module_names:
            yield from (("[…]", inner) for inner in gc.get_referents(value))


def _key(key: Any) -> str:
    if type(key) in (str, int):
        return json.dumps(key, ensure_ascii=False)[:MAX_KEY]
    return peek.bases(key)[0][1] if peek.is_a(key, type) else "…"


@functools.lru_cache(maxsize=4096)
def package_of(module: str) -> str:
    """The installed or vendored package that a module is of; "" for the project's own, Python's,
    and for what runs tests."""
    parts = module.split(".")
    if parts[0] in sys.stdlib_module_names or parts[0] in _MACHINERY:
        return ""
    file = dict.get(peek.attributes(sys.modules.get(module)), "__file__")
    if type(file) is str and is_user_file(file):
        return ""
    vendored = [at for at, part in enumerate(parts) if part in VENDORED]
    return ".".join(parts[: vendored[-1] + 2] if vendored else parts[:1])


def called(frames: Iterable[types.FrameType]) -> set[str]:
    """The packages that the suite's innermost line of these frames called."""
    inner = itertools.takewhile(lambda frame: not is_user_file(frame.f_code.co_filename), frames)
    names = (dict.get(frame.f_globals, "__name__") for frame in inner)
    return {package_of(name) for name in names if type(name) is str} - {""}


def names_of(value: Any, module: str) -> Iterator[str]:
    """The names that a value has in a module and in the packages around it, the shortest first."""
    parts = module.split(".")
    for package in (".".join(parts[:length]) for length in range(1, len(parts) + 1)):
        for name, inner in list(peek.attributes(sys.modules.get(package)).items()):
            if inner is value and type(name) is str:
                yield f"{package}.{name}"
