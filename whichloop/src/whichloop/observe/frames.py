"""Reading frames: whose line it is, who was at work, and what an exception passed through."""

import functools
import itertools
import os
import re
import site
import sys
import traceback
from collections.abc import Iterable, Iterator
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from types import CodeType, FrameType, ModuleType
from typing import Any

from whichloop.observe import peek
from whichloop.records import NOBODY, Actor, Failure, Frame, Site

MAX_FRAMES = 250
MAX_CHAIN = 50  # of a group, too, whose members came from many tasks
MAX_LOCALS = 60
MAX_TEXT = 2000

_TIMEOUT = re.compile(r"Timeout \(?>[\d.]+s?\)?( from pytest-timeout|$)")
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
OURS = "<whichloop"  # begins the name of the file of what stands in for a library's function
# A look at the disk is an error inside a coroutine where blockbuster watches: what is needed of it
# is taken now, and later only texts are compared.
_STARTED_IN = os.path.normcase(os.path.join(os.getcwd(), ""))
_stat = os.stat
# Past a metaclass or a __getattribute__ of theirs, as in peek.
_class_name = vars(type)["__name__"].__get__
_module_vars = vars(ModuleType)["__dict__"].__get__
# Installed packages outside these are known by the name of their folder (see _PARTS).
_FOLDERS = (os.path.dirname(os.__file__), site.getusersitepackages(), *site.getsitepackages())
_FOLDERS += (os.path.dirname(sys.executable),)  # the script named pytest
_LIBRARY = tuple(
    os.path.join(path, "") for folder in _FOLDERS for path in (folder, os.path.realpath(folder))
)
_PARTS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# Folders of packages that a project has copied into itself.
VENDORED = ("_vendor", "_vendored", "vendored", "third_party", "_third_party", "thirdparty")


@functools.lru_cache(maxsize=4096)
def is_vendored(filename: str) -> bool:
    """Is it in such a folder of the project?"""
    inner = os.path.normpath(filename).removeprefix(_STARTED_IN[:-1])
    return any(f"{os.sep}{folder}{os.sep}" in inner for folder in VENDORED)


@functools.lru_cache(maxsize=4096)
def is_user_file(filename: str) -> bool:
    """True for code that is neither Python's own, nor an installed package's, nor ours."""
    if (
        not filename
        or filename.startswith(("<", _HERE))
        or any(part in filename for part in _PARTS)
    ):
        return False
    if os.path.isabs(filename):
        return not filename.startswith(_LIBRARY) and not is_vendored(filename)
    # Code compiled with a bare name ("conftest.py") is a suite's; a library's is absolute.
    # Extension modules (cython) name their sources relatively, but they are not on disk.
    if not filename.endswith(".py"):
        return False
    try:
        _stat(filename)
    except OSError:
        return False
    return True


@functools.lru_cache(maxsize=4096)
def shown(filename: str) -> str:
    """A path relative to the folder in which the run began, for files inside it."""
    full = os.path.normpath(filename)
    if os.path.normcase(full).startswith(_STARTED_IN):
        full = full[len(_STARTED_IN) :]
    return filename if os.path.isabs(full) else full.replace(os.sep, "/")


def site_of(code: CodeType, line: int) -> Site:
    """The record of a line of ``code``."""
    return Site(shown(code.co_filename), line, code.co_name)


def outward(frame: FrameType | None) -> Iterator[FrameType]:
    """Frames from ``frame`` to the bottom of the stack, across greenlets: SQLAlchemy runs a driver
    in one of its own, and the coroutine that awaits it is in the parent greenlet."""
    greenlet = sys.modules.get("greenlet")
    current = greenlet.getcurrent() if greenlet is not None else None
    for _ in range(MAX_FRAMES):
        if frame is None:
            parent = getattr(current, "parent", None)
            if parent is None or parent.gr_frame is None:
                return
            current, frame = parent, parent.gr_frame
        yield frame
        frame = frame.f_back


def inside(frame: FrameType | None) -> Site | None:
    """The line of an installed or vendored package on this stack, above the suite's own; its file
    by the name that it has in the folder of packages."""
    for outer in outward(frame):
        file = outer.f_code.co_filename
        if is_user_file(file):
            return None
        folder = next((part for part in _PARTS if part in file), None)
        if folder is not None or is_vendored(file):
            name = file.rpartition(folder)[2] if folder else shown(file)
            return Site(name, outer.f_lineno)
    return None


def cache_name(frame: FrameType) -> str | None:
    """The ``functools`` cache that wraps this frame's function, if its module shows one."""
    name = frame.f_code.co_name
    wrapper = frame.f_globals.get(name)
    if type(wrapper) is not functools._lru_cache_wrapper:
        return None
    wrapped = peek.function_of(peek.attribute(wrapper, "__wrapped__"))
    return name if wrapped is not None and wrapped.__code__ is frame.f_code else None


class Scene:
    """Who is at work. ``hooks`` is the pile of those that pytest's hooks named, the innermost last;
    ``during`` is the test's node id, ``fixtures`` has the code of each fixture that was met."""

    def __init__(self) -> None:
        self.hooks: list[Actor] = []
        self.during = ""
        self.fixtures: dict[CodeType, Actor] = {}

    def actor(self) -> Actor:
        """Who pytest's hooks say is at work."""
        return self.hooks[-1] if self.hooks else NOBODY

    def fixture_in(self, passed: Iterable[FrameType]) -> Actor:
        """The fixture whose code the innermost of these frames runs, or a function's in it, such as
        a finalizer's."""
        inner = {
            code: actor
            for outer, actor in self.fixtures.items()
            for code in (outer, *outer.co_consts)
            if type(code) is CodeType
        }
        return next((inner[frame.f_code] for frame in passed if frame.f_code in inner), NOBODY)

    def capture(self, frame: FrameType | None, cache: bool = False) -> tuple[Site | None, Actor]:
        """The suite's line nearest to ``frame``, and who is at work there.

        A fixture's own code on the stack wins over the hooks, which cannot see finalizers; a
        module's top level is an import; the bottom of a loop ends the search. With ``cache`` the
        actor has the name of the cache that the call went through.
        """
        line: Site | None = None
        code_name = ""
        cached: str | None = None
        actor: Actor | None = None
        for outer in outward(frame):
            code = outer.f_code
            if is_user_file(code.co_filename):
                if line is None:
                    line = site_of(code, outer.f_lineno)
                    code_name = getattr(code, "co_qualname", code.co_name)
                if cache and cached is None:
                    cached = cache_name(outer)
                if code.co_name == "<module>":
                    actor = Actor("import", outer.f_globals.get("__name__", "?"))
                    break
            actor = self.fixtures.get(code)
            if actor is not None or code.co_name == "run_forever":
                break
        if actor is None:
            actor = self.actor()
            if actor.kind == "unknown" and code_name:
                actor = Actor("code", code_name)
        return line, actor._replace(cache=cached) if cached and actor.cache is None else actor


def own_modules(own: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
    """The suite's and the project's own modules, none installed (or those of others): name, and the
    names in it."""
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), ModuleType):
            continue
        held = _module_vars(module)
        file = held.get("__file__")
        if type(file) is str and is_user_file(file) is own:
            yield name, held


def keeper(target: Any, owner: Any, built_by: Actor) -> str | None:
    """What keeps an object (or the ``owner`` it is a part of) beyond one test: a name in one of the
    suite's modules, or the cache that it was built through; None where neither tells."""
    for name, held in own_modules():
        for attribute, value in held.copy().items():
            if value is not None and (value is target or value is owner or _engine(value, owner)):
                return f"module-level name {name}.{attribute}"
    return f"functools cache {built_by.cache}" if built_by.cache else None


def note_keeper(live: Any) -> None:
    """Look for what keeps an object of the tracker's for longer than a test, and note it."""
    if live.record.kept_by is None:
        owner = live.parent or live
        live.note(kept_by=keeper(live.ref(), owner.ref(), owner.record.built_by))


def _engine(value: Any, dialect: Any) -> bool:
    """Is it an AsyncEngine of that dialect? It is a proxy made on demand: what is tracked is the
    dialect behind it."""
    if dialect is None or _class_name(type(value)) != "AsyncEngine":
        return False
    return peek.attribute(value, "sync_engine", "dialect") is dialect


def chain_of(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from and in, and a group's members; each once."""
    chain: list[BaseException] = []
    todo = [error]
    while todo and len(chain) < MAX_CHAIN:
        first = todo.pop(0)
        if any(first is other for other in chain):
            continue
        chain.append(first)
        if issubclass(type(first), BaseExceptionGroup):
            todo += vars(BaseExceptionGroup)["exceptions"].__get__(first)
        causes = (_held(first, "__cause__"), _held(first, "__context__"))
        todo += [cause for cause in causes if cause is not None]
    return chain


def _held(error: BaseException, name: str) -> Any:
    return vars(BaseException)[name].__get__(error)


def _text(error: BaseException) -> str:
    """The message an exception was made with; a ``__str__`` of its own is not asked."""
    parts = (part for part in _held(error, "args") if issubclass(type(part), str))
    return " ".join(str.__str__(part) for part in parts)[:MAX_TEXT]


def texts_of(error: BaseException) -> tuple[tuple[str, str], ...]:
    """Type and message of each error of the chain."""
    return tuple((_class_name(type(raised)), _text(raised)) for raised in chain_of(error))


class Ended(BaseException):
    """Stands for what ends a process that hangs without an exception."""


def is_hang(error: BaseException) -> bool:
    """Is it what ends a hang: Ctrl-C, a time limit of the code's own or pytest-timeout's?"""
    if issubclass(type(error), KeyboardInterrupt | TimeoutError | Ended):
        return True
    return _class_name(type(error)) == "Failed" and _TIMEOUT.match(_text(error)) is not None


def passed_by(error: BaseException) -> list[FrameType]:
    """The frames that the error itself passed, the innermost first."""
    return [frame for frame, _ in traceback.walk_tb(_held(error, "__traceback__"))][::-1]


def selfs_of(passed: Iterable[FrameType]) -> list[Any]:
    """The objects whose methods these frames run."""
    methods = (frame for frame in passed if frame.f_code.co_varnames[:1] == ("self",))
    return [frame.f_locals["self"] for frame in methods if "self" in frame.f_locals]


def entered(error: BaseException) -> Any:
    """The object whose method the suite's own code called when the error came, or which a task ran;
    None where there was no such method of a library's."""
    inner = itertools.takewhile(
        lambda frame: not is_user_file(frame.f_code.co_filename), passed_by(error)
    )
    return next(reversed(selfs_of(inner)), None)


def failure_of(error: BaseException, during: str, phase: str) -> tuple[Failure, list[FrameType]]:
    """The record of an exception, and the frames it passed, the innermost first. Nothing may keep
    the frames."""
    chain = chain_of(error)
    records: list[Frame] = []
    frames: list[FrameType] = []
    lines: list[Site | None] = []
    # The causes' own lines first: the error raised last has the outermost view.
    for raised in reversed(chain):
        nearest: Frame | None = None
        for frame, line in traceback.walk_tb(_held(raised, "__traceback__")):
            code = frame.f_code
            plain = not code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)
            record = Frame(site_of(code, line), is_user_file(code.co_filename), plain)
            if record not in records:
                records.append(record)
            if record.user:
                nearest = record
            frames.append(frame)
        lines.append(nearest.site if nearest else None)
    # The crossing line is the innermost line of the suite's own in the error as raised.
    records.sort(key=lambda record: record == nearest)
    failure = Failure(texts_of(error), tuple(records), during, phase, lines=tuple(lines[::-1]))
    return failure, frames[::-1]


def without_ours(error: BaseException) -> None:
    """Take our own frames out of an exception's tracebacks."""
    for raised in chain_of(error):
        entry = _held(raised, "__traceback__")
        while entry is not None:
            inner, ours = entry.tb_next, False
            # pluggy throws what a hook has raised into each hook around it, from one and the same
            # frame: its entry behind ours goes, too.
            while inner is not None and (
                _is_ours(inner.tb_frame) or (ours and inner.tb_frame is entry.tb_frame)
            ):
                inner, ours = inner.tb_next, True
            entry.tb_next = inner
            entry = inner


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith((_HERE, OURS))


def locals_of(frames: list[FrameType]) -> list[Any]:
    """The values of the frames' variables, each object once."""
    values = (value for frame in frames for value in list(frame.f_locals.values())[:MAX_LOCALS])
    return list({id(value): value for value in values}.values())
