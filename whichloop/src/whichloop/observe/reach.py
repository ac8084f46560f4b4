"""What values lead to, the nearest first: a bounded walk through containers, instance dictionaries,
slots and bound methods. Read as :mod:`whichloop.observe.peek` reads, and nothing of theirs run."""

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any

from whichloop.observe import peek

MAX_REACHED = 1000
# Of what leads to whatever there is, or to nothing. By identity: a metaclass may have a __hash__.
_SKIPPED = {
    *map(id, (str, bytes, int, float, bool, complex, type(None), FunctionType, ModuleType)),
    *map(id, (BuiltinFunctionType, FrameType, TracebackType)),
}


def reach(values: Iterable[Any], depth: int) -> Iterator[Any]:
    """The values and what they hold, over so many steps; each object once, no loop, no class."""
    seen: set[int] = set()
    kept: list[Any] = []  # or another object could be built at the address of one that was seen
    todo = deque((value, 0) for value in values)
    while todo and len(kept) < MAX_REACHED:
        value, steps = todo.popleft()
        if id(type(value)) in _SKIPPED or id(value) in seen or peek.is_a(value, type):
            continue
        if peek.is_loop(value):
            continue
        seen.add(id(value))
        kept.append(value)
        yield value
        if steps < depth:
            todo += ((held, steps + 1) for held in _held(value))


def _held(value: Any) -> list[Any]:
    if type(value) is MethodType or peek.is_a(value, functools.partial):
        return [peek.attribute(value, name) for name in ("__self__", "func", "args")]
    held = [*peek.items(value), *dict.values(peek.attributes(value))]
    for _, _, members in peek.bases(type(value)):
        for name, member in list(members.items()):
            if type(member) is MemberDescriptorType and name != "__dict__":
                held.append(peek.attribute(value, name))
    return held
