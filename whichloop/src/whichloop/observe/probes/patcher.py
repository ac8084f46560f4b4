"""Changes to a driver's classes on behalf of one probe, each of which can be undone."""

import functools
import inspect
import sys
from asyncio import coroutines
from collections.abc import Callable
from types import FrameType
from typing import Any

from whichloop.observe.tracker import TRACKER


class Patcher:
    """``before``, ``after``, ``use`` and ``closes`` wrap a method; ``undo`` puts all back.

    What the probe's own function raises switches the probe off, and never reaches the program. No
    wrapper awaits anything: no line of ours comes between a coroutine and the one that awaits it.
    """

    def __init__(self, probe: str) -> None:
        self.probe = probe
        self._undo: list[Callable[[], None]] = []

    def on_undo(self, action: Callable[[], None]) -> None:
        """Have ``action`` called when the probe is taken out."""
        self._undo.append(action)

    def before(self, owner: Any, name: str, see: Callable[..., None]) -> None:
        """Call ``see(frame, self, …)`` before each call of the method ``owner.name``."""
        original, look = getattr(owner, name), self._quiet(see)

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            look(sys._getframe(1), self, *args, **kwargs)
            return original(self, *args, **kwargs)

        self._put(owner, name, wrapper)

    def after(self, owner: Any, name: str, see: Callable[..., None]) -> None:
        """Call ``see(frame, self, …)`` after each call that returned. For a coroutine function
        that is before its first step."""
        original, look = getattr(owner, name), self._quiet(see)

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            result = original(self, *args, **kwargs)
            look(sys._getframe(1), self, *args, **kwargs)
            return result

        self._put(owner, name, wrapper)

    def _quiet(self, see: Callable[..., None]) -> Callable[..., None]:
        probe, off = self.probe, TRACKER.switched_off

        def look(*args: Any, **kwargs: Any) -> None:
            if probe not in off:
                try:
                    see(*args, **kwargs)
                except Exception as error:
                    TRACKER.switch_off(probe, error)

        return look

    def use(self, owner: Any, name: str, of: Callable[..., Any] | None = None) -> None:
        """Count each call of the method ``owner.name`` as a use of ``of(self, …)``.

        What ``before`` with ``TRACKER.used`` does, for methods that every test calls many times:
        an object on its own loop is let through after two look-ups, with no look at the stack.
        """

        def see(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            used = obj if of is None else of(obj, *args, **kwargs)
            if not TRACKER.at_home(used):
                TRACKER.used(TRACKER.find(used), frame)

        self.before(owner, name, see)

    def closes(self, owner: Any, *names: str) -> None:
        """Take each call of these methods for the end of the object."""
        for name in names:
            self.before(owner, name, _closed)

    def _put(self, owner: Any, name: str, wrapper: Any) -> None:
        own = name in vars(owner)
        original = getattr(owner, name)
        if inspect.iscoroutinefunction(original):  # it goes on being recognised as one
            if sys.version_info >= (3, 12):
                inspect.markcoroutinefunction(wrapper)
            else:
                wrapper._is_coroutine = getattr(coroutines, "_is_coroutine", None)
        setattr(owner, name, wrapper)

        def undo() -> None:
            if vars(owner).get(name) is wrapper:
                if own:
                    setattr(owner, name, original)
                else:
                    delattr(owner, name)

        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, last change first."""
        while self._undo:
            self._undo.pop()()


def _closed(frame: Any, obj: Any, *args: Any, **kwargs: Any) -> None:
    TRACKER.closed(obj)
