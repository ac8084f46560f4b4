"""Changes to a driver's classes on behalf of one probe, each of which can be undone."""

import functools
import inspect
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

from whichloop.observe import peek
from whichloop.observe.frames import OURS
from whichloop.observe.tracker import TRACKER, LiveObject


def unseen(function: Any, flags: int = 0) -> None:
    """Let a function of ours that stands between a caller and a library's code not count where a
    ``stacklevel`` does: ``warnings`` and ``logging`` pass over the import machinery's frames, and
    know them by these two words in the name of their file."""
    code = function.__code__
    name = f"{OURS} beside importlib._bootstrap>"
    function.__code__ = code.replace(co_filename=name, co_flags=code.co_flags | flags)


class Patcher:
    """``before``, ``after``, ``builds``, ``use`` and ``closes`` wrap a method; ``undo`` puts all
    back, last change first, and calls what ``on_undo`` was given.

    What the probe's own function raises switches the probe off, and never reaches the program. No
    wrapper awaits anything: no line of ours comes between a coroutine and the one that awaits it.
    """

    def __init__(self, probe: str) -> None:
        self.probe = probe
        self._changes = ExitStack()
        self.on_undo = self._changes.callback

    def undo(self) -> None:
        with TRACKER.guarded(self.probe):
            self._changes.close()

    def before(self, owner: Any, name: str, see: Callable[..., Any]) -> None:
        """Call ``see(frame, self, …)`` before each call of the method ``owner.name``."""
        self._wrap(owner, name, self.quiet(see), early=True)

    def after(self, owner: Any, name: str, see: Callable[..., Any]) -> None:
        """Call ``see(frame, self, …)`` after each call that returned. For a coroutine function
        that is before its first step."""
        self._wrap(owner, name, self.quiet(see), early=False)

    def _wrap(self, owner: Any, name: str, look: Callable[..., None], early: bool) -> None:
        own, original = name in vars(owner), getattr(owner, name)

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if early:
                look(sys._getframe(1), self, *args, **kwargs)
                return original(self, *args, **kwargs)
            result = original(self, *args, **kwargs)
            look(sys._getframe(1), self, *args, **kwargs)
            return result

        def undo() -> None:
            if vars(owner).get(name) is wrapper:
                if own:
                    setattr(owner, name, original)
                else:
                    delattr(owner, name)

        flags = 0
        if inspect.iscoroutinefunction(original):  # it goes on being recognised as one
            if sys.version_info >= (3, 12):
                inspect.markcoroutinefunction(wrapper)
            else:  # inspect looks for this flag; what a call does is decided by the code's opcodes
                flags = inspect.CO_COROUTINE
        unseen(wrapper, flags)
        setattr(owner, name, wrapper)
        self.on_undo(undo)

    def quiet(self, see: Callable[..., Any]) -> Callable[..., None]:
        """``see`` as a function that raises nothing, and does nothing once it has failed."""
        probe, off = self.probe, TRACKER.switched_off

        def look(*args: Any, **kwargs: Any) -> None:
            if probe not in off:
                try:
                    see(*args, **kwargs)
                except Exception as error:
                    TRACKER.switch_off(probe, error)

        return look

    def builds(
        self,
        owner: Any,
        driver: str,
        label: str,
        type_name: str | None = None,
        *,
        loop: str | None = None,
        is_closed: Callable[[Any], bool] | None = None,
        then: Callable[[FrameType, LiveObject, Any], None] | None = None,
    ) -> None:
        """Report each object that ``owner`` makes, as bound if it has its loop in ``loop`` already;
        then call ``then(frame, live, obj)``."""

        def see(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            held = peek.loop_in(obj, loop) if loop else None
            live = TRACKER.built(
                obj, driver, label, frame, type_name=type_name, is_closed=is_closed, loop=held
            )
            if then is not None:
                then(frame, live, obj)

        self.after(owner, "__init__", see)

    def use(self, owner: Any, name: str, of: Callable[..., Any] | None = None) -> None:
        """Count each call of the method ``owner.name`` as a use of ``of(self, …)``. Many times in
        every test that is one on its own loop: two look-ups, and no look at the stack."""

        def see(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            used = obj if of is None else of(obj, *args, **kwargs)
            if not TRACKER.at_home(used):
                TRACKER.used(TRACKER.find(used), frame)

        self.before(owner, name, see)

    def closes(self, owner: Any, *names: str, uses: bool = False) -> None:
        """Take each call of these methods for the end of the object; ``uses``: it needs the
        object's loop, so the first is a use of it, too."""

        def see(frame: FrameType, obj: Any, *args: Any, **kwargs: Any) -> None:
            live = TRACKER.find(obj)
            if live is None:
                return
            if uses and live.loop is not None and not live.record.closed:
                TRACKER.used(live, frame)
            live.note(closed=True)

        for name in names:
            self.before(owner, name, see)
