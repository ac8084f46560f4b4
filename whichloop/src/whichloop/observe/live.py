"""What is known of one loop, or of one object, while the suite runs. Neither keeps it alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from whichloop.actors import NOBODY, Actor

if TYPE_CHECKING:
    from whichloop.records import Crossing, LoopRecord, ObjectRecord


def letters(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA: a loop's name from its place in the order of birth."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _nothing() -> None:
    return None


class Ref(weakref.ref[Any]):
    """A weak reference that can be told under which key its table holds it."""

    __slots__ = ("key",)

    key: int


class LiveLoop:
    """What is known of one loop while the suite runs; ``ref`` does not keep it alive."""

    __slots__ = (
        "__weakref__",
        "address",
        "born",
        "closed",
        "closed_by",
        "ident",
        "kind",
        "number",
        "opened_at",
        "opened_by",
        "ref",
        "runner",
        "scope",
        "thread",
    )

    def __init__(self, loop: Any, number: int, tick: int) -> None:
        self.ref: Callable[[], Any] = _nothing
        self.address = id(loop)
        self.number = number
        self.born = tick
        self.kind = type(loop)
        self.ident = 0
        self.thread = "MainThread"
        self.runner = "unknown"
        self.scope: str | None = None
        self.opened_by = NOBODY
        self.opened_at: Any = None
        self.closed: int | None = None
        self.closed_by: Actor | None = None

    @property
    def name(self) -> str:
        return letters(self.number)

    def record(self) -> LoopRecord:
        from whichloop.records import LoopRecord

        return LoopRecord(
            id=self.name,
            kind=f"{self.kind.__module__}.{self.kind.__qualname__}",
            runner=self.runner,
            scope=self.scope,
            thread=self.thread,
            opened_by=self.opened_by,
            opened_at=self.opened_at,
            born=self.born,
            closed=self.closed,
            closed_by=self.closed_by,
        )


class LiveObject:
    """What is known of one loop-bound object."""

    __slots__ = (
        "address_of",
        "born",
        "bound_at",
        "bound_by",
        "bound_tick",
        "built_at",
        "built_by",
        "closed",
        "driver",
        "kept_by",
        "label",
        "last_crossing",
        "loop",
        "parent",
        "ref",
        "seq",
        "type",
    )

    def __init__(self, seq: int, tick: int, driver: str, label: str, type_name: str) -> None:
        self.seq = seq
        self.born = tick
        self.driver = driver
        self.label = label
        self.type = type_name
        self.ref: Callable[[], Any] = _nothing
        self.address_of: type | None = None
        self.built_at: Any = None
        self.built_by = NOBODY
        self.loop: LiveLoop | None = None
        self.bound_at: Any = None
        self.bound_by = NOBODY
        self.bound_tick: int | None = None
        self.kept_by: str | None = None
        self.parent: LiveObject | None = None
        self.closed = False
        self.last_crossing: Crossing | None = None

    def record(self) -> ObjectRecord:
        from whichloop.records import ObjectRecord

        return ObjectRecord(
            seq=self.seq,
            driver=self.driver,
            label=self.label,
            type=self.type,
            built_at=self.built_at,
            built_by=self.built_by,
            bound_to=self.loop.name if self.loop else None,
            bound_at=self.bound_at,
            bound_by=self.bound_by,
            kept_by=self.kept_by,
            part_of=self.parent.type if self.parent else None,
            closed=self.closed,
            born=self.born,
            bound=self.bound_tick,
            left_by=self.last_crossing.during if self.last_crossing else None,
        )
