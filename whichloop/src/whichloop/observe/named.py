"""Which objects a function names, and the functions it names in turn. From code objects, as
compiled: nothing is called, so what a name leads to through a call is not known."""

import dis
import functools
import re
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from whichloop.observe import peek
from whichloop.observe.frames import is_user_file, own_modules

MAX_FUNCTIONS = 200
# What stands around a method in its class, and where it has the function.
_WRAPPERS = {
    id(staticmethod): "__func__",
    id(classmethod): "__func__",
    id(property): "fget",
    id(functools.cached_property): "func",
}
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]  # its argument has a bit of its own beside the name
_NAMED = ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "IMPORT_NAME")
_GLOBAL = {dis.opmap[name] for name in _NAMED if name in dis.opmap}
_STORE = {dis.opmap["STORE_ATTR"], dis.opmap["STORE_GLOBAL"]}
_NAMING = re.compile(b"[%b]" % re.escape(bytes({_LOAD_GLOBAL} | _GLOBAL | _STORE)))


class Words(NamedTuple):
    """Of a code object and those inside it: global names, all names, the names that it sets, and
    its texts."""

    globals: set[str]
    all: set[str]
    stored: set[str]
    texts: set[str]


class Named(NamedTuple):
    """The objects by id; ``owners`` has the class or instance of what is a member of one, by the
    member's id, ``modules`` the names of what is a module."""

    function: FunctionType
    objects: dict[int, Any]
    owners: dict[int, Any]
    modules: set[str]
    code: Words

    @property
    def words(self) -> set[str]:
        """Names and texts."""
        return self.code.all | self.code.texts


class Reach(NamedTuple):
    """All that a function and those that it leads to name."""

    ids: set[int]
    parts: list[Named]


class Names:
    """Reads functions, and keeps what it read."""

    def __init__(self) -> None:
        self.own = {name for name, _ in own_modules()}
        self._named: dict[tuple[int, int], Named] = {}
        self._reached: dict[tuple[int, int], Reach] = {}
        # By the id of what the first of each pair keeps alive.
        self._members: dict[int, tuple[Any, list[Any]]] = {}
        self._behind: dict[int, tuple[Any, list[FunctionType]]] = {}
        self._words: dict[int, tuple[CodeType, Words]] = {}

    def reach(self, function: FunctionType, owner: Any = None) -> Reach:
        """Across the project's own functions; ``owner`` is the class or
        instance of a method."""
        key = id(function), id(owner)
        if key not in self._reached:
            todo, seen = [(function, owner)], {key}
            reach = Reach(set(), [])
            while todo and len(reach.parts) < MAX_FUNCTIONS:
                named = self.of(*todo.pop(0))
                reach.parts.append(named)
                reach.ids.update(named.objects)
                for obj in list(named.objects.values()):
                    for inner in self._functions(obj):
                        is_class = issubclass(type(obj), type)
                        kind = obj if is_class else named.owners.get(id(obj))
                        if (id(inner), id(kind)) not in seen:
                            seen.add((id(inner), id(kind)))
                            todo.append((inner, kind))
            self._reached[key] = reach
        return self._reached[key]

    def of(self, function: FunctionType, owner: Any = None) -> Named:
        """What one function names: globals, what it closes over, and by their names the members of
        modules, of the project's classes and of their instances."""
        key = id(function), id(owner)
        if key not in self._named:
            code = self._words_of(function.__code__)
            space = function.__globals__
            todo = [dict.get(space, name, sys.modules.get(name)) for name in code.globals]
            todo += [_cell(cell) for cell in function.__closure__ or ()]
            if owner is not None:
                todo.append(owner)
            objects: dict[int, Any] = {}
            owners: dict[int, Any] = {}
            modules: set[str] = set()
            while todo:
                obj = todo.pop()
                if obj is None or id(obj) in objects:
                    continue
                objects[id(obj)] = obj
                if type(obj) is FunctionType:
                    continue
                is_module = issubclass(type(obj), ModuleType)
                if is_module and type(name := dict.get(peek.attributes(obj), "__name__")) is str:
                    modules.add(name)
                for space in self._spaces(obj):
                    held = [found for name in code.all if (found := _get(space, name)) is not None]
                    todo += held
                    if not is_module:
                        owners |= {id(member): obj for member in held}
            # A class's own methods name each other; that the class is there is no use of it.
            objects.pop(id(owner), None)
            self._named[key] = Named(function, objects, owners, modules, code)
        return self._named[key]

    def _words_of(self, code: CodeType) -> Words:
        """The names and texts of a code object and of those inside it."""
        known = self._words.get(id(code))
        if known is None:
            words = Words(set(), set(code.co_names), set(), set())
            _sort(code, words)
            for held in code.co_consts:
                if type(held) is str:
                    words.texts.add(held)
                elif type(held) is CodeType:
                    for mine, inner in zip(words, self._words_of(held), strict=True):
                        mine.update(inner)
            known = self._words[id(code)] = code, words
        return known[1]

    def _spaces(self, obj: Any) -> list[Any]:
        """Where its members stand, by name: of a module, a class of the project's, or an instance
        of one."""
        is_class = issubclass(type(obj), type)
        kind = obj if is_class or issubclass(type(obj), ModuleType) else type(obj)
        if id(kind) not in self._members:
            if issubclass(type(kind), ModuleType):
                spaces: list[Any] = [peek.attributes(obj)]
            else:
                spaces = [held for name, _, held in peek.bases(kind) if name in self.own]
            self._members[id(kind)] = kind, spaces
        spaces = self._members[id(kind)][1]
        return [*spaces, peek.attributes(obj)] if spaces and kind is not obj else spaces

    def _functions(self, obj: Any) -> list[FunctionType]:
        """The project's functions behind what code names: decorated, cached, or a constructor."""
        known = self._behind.get(id(obj))
        if known is None:
            known = self._behind[id(obj)] = obj, list(self._find_functions(obj))
        return known[1]

    def _find_functions(self, obj: Any) -> Iterator[FunctionType]:
        if id(type(obj)) in _WRAPPERS:
            obj = peek.attribute(obj, _WRAPPERS[id(type(obj))])
        if peek.is_a(obj, type):
            obj = next((space["__init__"] for space in self._spaces(obj) if "__init__" in space), 0)
        for _ in range(5):
            function = peek.function_of(obj)
            if function is None and type(obj) is not functools._lru_cache_wrapper:
                return
            if function is not None and is_user_file(function.__code__.co_filename):
                yield function
            obj = peek.attribute(obj if function is None else function, "__wrapped__")


def _sort(code: CodeType, words: Words) -> None:
    """Add the global names of a code object, and those that it sets. The ``dis`` module would take
    ten times as long."""
    instructions = code.co_code
    kinds = instructions[::2]
    for match in _NAMING.finditer(kinds):
        at = match.start()
        more = instructions[2 * at - 1] << 8 if kinds[at - 1] == dis.EXTENDED_ARG else 0
        argument = instructions[2 * at + 1] | more
        if kinds[at] == _LOAD_GLOBAL:
            words.globals.add(code.co_names[argument >> 1])
        else:
            names = words.stored if kinds[at] in _STORE else words.globals
            names.add(code.co_names[argument])


def _get(space: Any, name: str) -> Any:
    """From the dictionary of an object, whatever its class, or from that of a class."""
    return dict.get(space, name) if issubclass(type(space), dict) else space.get(name)


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
