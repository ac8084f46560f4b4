"""What the project's own modules keep of loop-bound things, in names, class attributes and
``functools`` caches, or may keep once a cached function is called. Read, and nothing of it run.

The walk is bounded: through containers, instance dictionaries and the slots of the project's own
classes, so deep, and so many objects a name and a module.
"""

import asyncio
import functools
import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple

from whichloop.observe import peek, ways
from whichloop.observe.bound import Bound
from whichloop.observe.frames import own_modules
from whichloop.observe.named import Names

MAX_DEPTH = 4
MAX_OF_NAME = 2_000
MAX_OF_MODULE = 20_000
_PLAIN = (*(str, bytes, int, float, bool, complex, type(None)), FunctionType, ModuleType)
_SKIPPED = {id(kind) for kind in (*_PLAIN, BuiltinFunctionType)}
# asyncio's classes whose objects take a loop at their first use, and keep it.
_PRIMITIVES = {id(kind) for kind in vars(asyncio).values() if hasattr(kind, "_get_loop")}
_CACHE: Any = functools._lru_cache_wrapper


class Keeper(NamedTuple):
    """``name`` is that of a module's global, ``path`` what leads from there to the object;
    ``holders`` are the ids of what is on the way, ``cached`` is True for a functools cache."""

    module: str
    file: str
    name: str
    path: str
    holders: tuple[int, ...]
    cached: bool


class Kept(NamedTuple):
    """An object that is bound to a loop, or will be, and all that keeps it. With ``may`` it is not
    there yet: a function whose result is cached would build it."""

    label: str
    may: bool
    keepers: list[Keeper]

    @property
    def ids(self) -> set[int]:
        """The ids by which code can be seen to use it."""
        return {holder for keeper in self.keepers for holder in keeper.holders}


class _Step(NamedTuple):
    value: Any
    path: str
    holders: tuple[int, ...]
    depth: int = 0
    cached: bool = False

    def to(self, value: Any, path: str, cached: bool = False) -> "_Step":
        holders = (*self.holders, id(value))
        return _Step(value, self.path + path, holders, self.depth + 1, self.cached or cached)


class Walk:
    """The walk through all modules; ``found`` has each object by its id."""

    def __init__(self, names: Names) -> None:
        self.bound = Bound()
        self.names = names
        self.found: dict[int, Kept] = {}
        self.cut: list[str] = []  # the files of modules that keep more than is looked at

    def all(self) -> list[Kept]:
        """What is kept, in the order in which it was met."""
        for module, held in list(own_modules()):
            seen: set[int] = set()
            left = MAX_OF_MODULE
            for name, value in list(held.items()):
                if type(name) is str and not name.startswith("__"):
                    left -= self._name(module, held["__file__"], name, value, seen)
                if left < 0:
                    self.cut.append(held["__file__"])
                    break
        return list(self.found.values())

    def of_others(self) -> list[Kept]:
        """asyncio's primitives, bound to a loop that does not run, which a name or class in a
        dependency's module keeps. Modules are looked at only if there is such an object."""
        bound = {
            id(obj): obj
            for obj in gc.get_objects()
            if id(type(obj)) in _PRIMITIVES
            and id(obj) not in self.found
            and (loop := peek.loop_in(obj, "_loop")) is not None
            and peek.loop_state(loop) != "running"
        }
        found: dict[int, Kept] = {}
        for module, held in own_modules(False) if bound else ():
            for name, value in list(held.items()):
                paths = [(name, value)]
                if peek.is_a(value, type):
                    members = list(peek.bases(value)[0][2].items())
                    paths += [(f"{name}.{member}", inner) for member, inner in members]
                for path, obj in paths:
                    if id(obj) in bound and (seen := self.bound.seen_in(obj)) is not None:
                        keeper = Keeper(module, held["__file__"], name, path, (id(obj),), False)
                        found.setdefault(id(obj), Kept(seen[1], False, [])).keepers.append(keeper)
        return list(found.values())

    def _name(self, module: str, file: str, name: str, value: Any, seen: set[int]) -> int:
        """Look at what a name leads to; how many objects that were."""
        todo = [_Step(value, name, (id(value),))]
        for looked_at in range(MAX_OF_NAME):
            if not todo:
                return looked_at
            step = todo.pop()
            if id(type(step.value)) in _SKIPPED or id(step.value) in seen:
                continue
            met = self._look(step)
            if met is not None:
                obj, label, may = met
                cached = step.cached or type(step.value) is _CACHE
                keeper = Keeper(module, file, name, *step[1:3], cached)
                kept = self.found.setdefault(id(obj), Kept(label, may, []))
                kept.keepers.append(keeper._replace(holders=(*step.holders, id(obj))))
            else:
                seen.add(id(step.value))
                if step.depth < MAX_DEPTH:
                    todo += self._held(step, module)
        return MAX_OF_NAME

    def _look(self, step: _Step) -> tuple[Any, str, bool] | None:
        """What the value is or, of a cache that is empty, may hold: object, label, may."""
        value = step.value
        seen = self.bound.seen_in(value)
        if seen is not None:
            return *seen, False
        lazy = None
        if type(value) is _CACHE and not _CACHE.cache_info(value).currsize:
            lazy = peek.attribute(value, "__wrapped__")
        elif type(value) is _Lazy:
            value, lazy = value
        label = self.built_by(lazy)
        return (value, label, True) if label is not None else None

    def built_by(self, wrapped: Any) -> str | None:
        """What a call of this function may build that binds to a loop."""
        function = peek.function_of(wrapped)
        if function is None:
            return None
        named = self.names.of(function)
        return self.bound.built_by(named.objects.values(), named.words)

    def _held(self, step: _Step, module: str) -> Iterator[_Step]:
        """What an object holds, and cached properties of the project's that were not asked yet."""
        value = step.value
        if ways.is_imported(value, module):
            return
        for name, held, kind in ways.held(value):
            yield step.to(held, name, kind == ways.CACHE)
        for home, _, members in peek.bases(type(value)) if type(value) is not type else ():
            for name, member in list(members.items()) if home in self.names.own else ():
                if type(member) is functools.cached_property and name not in peek.attributes(value):
                    yield step.to(_Lazy(value, peek.attribute(member, "func")), f".{name}", True)


class _Lazy(NamedTuple):
    """A cached property that an object does not hold yet."""

    holder: Any
    function: Any
