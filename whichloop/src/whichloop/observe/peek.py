"""Looking at other people's objects without touching them.

An object may be a mock that records every access, a proxy that connects, or a driver's client whose
every unknown attribute is a database. So: nothing of theirs is called, compared, hashed or tested
for truth. An attribute is what the instance dictionary or a slot holds; a property, a
``__getattr__`` or an override is never run. ``isinstance`` believes ``__class__``, which a mock
sets at will: here the type is what ``type()`` says.
"""

import asyncio
import functools
import inspect
from collections import deque
from collections.abc import Iterable
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType
from typing import Any

# What a class itself holds, past whatever its metaclass says of it.
_mro = type.__dict__["__mro__"].__get__
_vars = type.__dict__["__dict__"].__get__
_module = type.__dict__["__module__"].__get__
_name = type.__dict__["__name__"].__get__

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def attributes(obj: Any) -> dict[str, Any]:
    """The instance dictionary of ``obj``; an empty one for an object that has none."""
    held = _slot(obj, "__dict__")
    return held if type(held) is dict or issubclass(type(held), dict) else {}


def attribute(obj: Any, *path: str) -> Any:
    """``obj.a.b`` for ``attribute(obj, "a", "b")``; None where a step is not there.

    A slot of a Python class and a member of a C class count as attributes that are held.
    """
    for name in path:
        held = dict.get(attributes(obj), name)
        obj = _slot(obj, name) if held is None else held
        if obj is None:
            return None
    return obj


def _slot(obj: Any, name: str) -> Any:
    for kind in _mro(type(obj)):
        descriptor = _vars(kind).get(name)
        if type(descriptor) is MemberDescriptorType or type(descriptor) is GetSetDescriptorType:
            try:
                return descriptor.__get__(obj)
            except AttributeError:  # not filled
                return None
    return None


def items(container: Any) -> list[Any]:
    """What a list, tuple, set, deque or dictionary (its values) holds; nothing for other objects.

    A subclass's own ``__iter__`` is not asked, and no generator is advanced.
    """
    for kind in _mro(type(container)):
        if kind is dict:
            return list(dict.values(container))
        # By identity: a metaclass may have an __eq__.
        if any(kind is known for known in (list, tuple, set, frozenset, deque)):
            return list(kind.__iter__(container))
    return []


def class_of(obj: Any) -> tuple[str, str]:
    """Module and name of the class of ``obj``; its metaclass is not asked."""
    return _module_of(type(obj)), _name(type(obj))


def _module_of(kind: type) -> str:
    module = _module(kind)
    return module if type(module) is str else "?"


def bases(kind: type) -> list[tuple[str, str, dict[str, Any]]]:
    """A class and its bases: module, name, and what each itself holds; no metaclass is asked."""
    return [(_module_of(base), _name(base), _vars(base)) for base in _mro(kind)]


def is_a(obj: Any, kind: type) -> bool:
    """Is ``kind`` a real base of the class of ``obj``?"""
    return any(base is kind for base in _mro(type(obj)))


def is_loop(obj: Any) -> bool:
    """Is ``obj`` an event loop?"""
    return is_a(obj, asyncio.AbstractEventLoop)


def loop_in(obj: Any, *path: str) -> Any:
    """The event loop at the end of a path of attributes, or None."""
    value = attribute(obj, *path)
    return value if value is not None and is_loop(value) else None


def distinct(loops: Iterable[Any]) -> tuple[Any, ...]:
    """Each loop once, in order, without the Nones."""
    return tuple({id(loop): loop for loop in loops if loop is not None}.values())


def loop_state(loop: Any) -> str:
    """closed, running or "not running", as asyncio's or uvloop's own class knows it."""
    if is_a(loop, asyncio.BaseEventLoop):
        if attribute(loop, "_closed") is True:
            return "closed"
        return "not running" if attribute(loop, "_thread_id") is None else "running"
    for kind in _mro(type(loop)):
        # It keeps its state where C code only looks.
        if (_module(kind), _name(kind)) == ("uvloop.loop", "Loop"):
            if _vars(kind)["is_closed"](loop):
                return "closed"
            return "running" if _vars(kind)["is_running"](loop) else "not running"
    return "not running"


def function_of(obj: Any) -> FunctionType | None:
    """The function behind a method, a ``functools.partial`` or a function; None for the rest."""
    for _ in range(20):
        if type(obj) is FunctionType:
            return obj
        if type(obj) is MethodType:
            obj = obj.__func__
        elif is_a(obj, functools.partial):
            obj = attribute(obj, "func")
        else:
            return None
    return None


def is_coroutine(obj: Any) -> bool:
    """Is it a coroutine function or an asynchronous generator function?"""
    function = function_of(obj)
    return function is not None and bool(function.__code__.co_flags & _ASYNC)
