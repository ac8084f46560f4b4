"""Failures that have one cause, put together: the cause is told once, with what cures most."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from whichloop.records import Actor, Cure, Finding, LoopRecord


class Group(NamedTuple):
    """The findings of one cause, in the order of their failures; the first is the example."""

    number: int
    findings: list[Finding]

    @property
    def tests(self) -> list[str]:
        """The node ids of the tests that failed, each once."""
        return list(dict.fromkeys(finding.during for finding in self.findings if finding.during))


class Groups:
    """Findings as they come in, by cause."""

    def __init__(self) -> None:
        self._by_key: dict[object, Group] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, finding: Finding) -> Group:
        """The group of this finding, with it in."""
        group = self._by_key.setdefault(key(finding), Group(len(self) + 1, []))
        group.findings.append(finding)
        return group

    @property
    def failures(self) -> int:
        """How many failures all groups explain."""
        return sum(len(group.findings) for group in self)

    def cured_by(self, cures: Iterable[Cure]) -> dict[Cure, int]:
        """How many failures, of whatever cause, have these very cures among theirs."""
        others = [
            {_change(cure) for cure in found.cures} for group in self for found in group.findings
        ]
        return {cure: sum(_change(cure) in changes for changes in others) for cure in cures}


def key(finding: Finding) -> object:
    """What findings of one cause have in common: no test's name, no loop's letter.

    Two causes that look alike, such as two engines built at two lines, differ in it.
    """
    obj = finding.object
    thing = obj and (obj.driver, obj.label, obj.type, obj.part_of, obj.kept_by, obj.built_at)
    builder = obj and _actor(obj.built_by)
    loops = _loop(finding.bound_loop), _loop(finding.using_loop)
    cures = tuple(map(_change, finding.cures))
    told = finding.headline, finding.message if obj is None else ""
    return finding.code, told, thing, builder, _actor(finding.used_by), loops, cures


def _change(cure: Cure) -> tuple[str, str]:
    return cure.id, cure.change


def _actor(actor: Actor) -> tuple[str, str]:
    """A fixture or an import by its name; of tests it does not matter which."""
    return actor.kind, "" if actor.kind == "test" else actor.name


def _loop(loop: LoopRecord | None) -> tuple[object, ...]:
    """A loop by its kind; one that no test opened by its place, too."""
    if loop is None:
        return ()
    place = None if loop.opened_by.kind == "test" else loop.opened_at
    return loop.runner, loop.scope, place
