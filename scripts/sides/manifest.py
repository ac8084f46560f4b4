"""The sides: what the manifest files say of them, and for every test of each what is documented.

remedies.toml holds what belongs to no side, and broken/'s outcomes; each remedy and trap says in
its own remedy.toml what differs from there. Every other place reads these facts here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

from scripts.errors import CommandError, ManifestError
from scripts.paths import ROOT
from scripts.sides.schema import Common, Documented, Practice, Remedy, Step, read

FILE = "remedies.toml"
SideKind = Literal["broken", "fix", "trap"]
NOUNS: dict[SideKind, str] = {"fix": "Remedy", "trap": "Trap"}
FOLDERS: dict[SideKind, str] = {"fix": "fixed", "trap": "traps"}
NUMBERED = re.compile(r"(\d\d)_\w+")
GROUPS = ("mongo", "postgres", "control")
Sets = Mapping[str, tuple[str, ...]]


@dataclass
class Side:
    """One folder of tests that run together, configured in one way; broken/ has the number 0.

    `outcome` is what its own manifest states, `documented` what is documented of each node id, and
    `inherited` names the side as on which a test ends, for those that the manifest does not state.
    """

    kind: SideKind
    number: int
    folder: str
    title: str
    source: str
    outcome: tuple[Documented, ...]
    changes: tuple[str, ...] = ()
    why: str = ""
    when: str = ""
    alone: bool = False
    same_as: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    documented: Mapping[str, Documented] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """ "fix-03", "trap-01" or "broken"."""
        return f"{self.kind}-{self.number:02}" if self.number else "broken"

    @property
    def name(self) -> str:
        """ "Remedy 3", "Trap 1" or "The broken side"."""
        return f"{NOUNS[self.kind]} {self.number}" if self.number else "The broken side"

    @property
    def target(self) -> str:
        """Its make target: fix-3."""
        return f"{self.kind}-{self.number}" if self.number else "reproduce"

    @property
    def file(self) -> str:
        return f"{self.folder}/remedy.toml" if self.number else FILE


@dataclass(frozen=True)
class Manifest:
    """All of the files. `tests` maps a group (mongo, postgres, control) to its node ids, `sets`
    every name for tests to those it stands for; `side` has broken/ first."""

    recommended: str
    tour: tuple[str, ...]
    guide: tuple[Step, ...]
    practice: tuple[Practice, ...]
    tests: Sets
    sets: Sets
    side: tuple[Side, ...]

    @cached_property
    def nodeids(self) -> tuple[str, ...]:
        return tuple(chain.from_iterable(self.tests.values()))

    def get(self, name: str) -> Side:
        """The side of that id. Raises CommandError if there is none."""
        sides = {side.id: side for side in self.side}
        if name not in sides:
            raise CommandError(f"there is no side {name!r}; there are {', '.join(sides)}")
        return sides[name]

    def numbered(self, kind: SideKind, number: str) -> Side:
        """The remedy or trap of a number as it was typed. Raises CommandError, with the numbers."""
        sides = {side.number: side for side in self.of(kind)}
        if number.isascii() and number.isdigit() and int(number) in sides:
            return sides[int(number)]
        noun, command = NOUNS[kind].lower(), "fixes" if kind == "fix" else "traps"
        problem = f"{number!r} is not the number of a {noun}:" if number else f"which {noun}?"
        raise CommandError(
            f"{problem} they are 1 to {max(sides)}", hint=f"python -m scripts {command}"
        )

    def of(self, kind: SideKind) -> list[Side]:
        return [side for side in self.side if side.kind == kind]


def load(root: Path = ROOT) -> Manifest:
    """Read the manifest files of a checkout. Raises ManifestError with the file and the key."""
    common = read(root, FILE, Common)
    sets = sets_of(common)
    sides = [Side("broken", 0, "broken", **dict(common.broken))]
    for kind, number, folder in folders(root):
        remedy = read(root, f"{folder}/remedy.toml", Remedy)
        sides.append(Side(kind, number, folder, **dict(remedy)))
    own = {side.id: own_outcomes(side, sets) for side in sides}
    for side in sides:
        side.inherited = inherited_outcomes(side, own, sets)
        others = {nodeid: own[other][nodeid] for nodeid, other in side.inherited.items()}
        side.documented = own[side.id] | others
        for nodeid in chain.from_iterable(common.tests.values()):
            if nodeid not in side.documented:
                raise ManifestError(f"{side.file}, key outcome: nothing is documented of {nodeid}")
    check_names(common, {side.id for side in sides[1:]})
    named = {key: value for key, value in common if key in Manifest.__dataclass_fields__}
    return Manifest(**named | {"sets": sets, "side": tuple(sides)})


def folders(root: Path) -> Iterator[tuple[SideKind, int, str]]:
    """The kind, number and folder of each remedy, then of each trap, in the order of their numbers.

    Raises ManifestError: people type the numbers, so none is missing and none there twice.
    """
    for kind, parent in FOLDERS.items():
        paths = sorted(path for path in (root / parent).glob("*") if is_side(path))
        for due, path in enumerate(paths, 1):
            folder = f"{parent}/{path.name}"
            numbered = NUMBERED.fullmatch(path.name)
            if not numbered:
                raise ManifestError(f"{folder}: the folder's name must be like {due:02}_in_words")
            if int(numbered[1]) != due:
                before = f" after {parent}/{paths[due - 2].name}" if due > 1 else ""
                raise ManifestError(f"{folder}: its number must be {due:02}{before}")
            yield kind, due, folder


def is_side(path: Path) -> bool:
    """Is it a folder in which there is more than what another branch left behind?"""
    return (
        path.is_dir()
        and not path.name.startswith(("__", "."))
        and any(not inside.name.startswith(("__", ".")) for inside in path.iterdir())
    )


def sets_of(common: Common) -> dict[str, tuple[str, ...]]:
    """{name: node ids} for everything that an outcome's `tests` may name but a node id's prefix."""
    sets = {str(group): nodeids for group, nodeids in common.tests.items()}
    for name, members in common.sets.items():
        if name in sets:
            raise ManifestError(f"{FILE}, key sets.{name}: [tests] has a group of that name")
        sets[name] = tests_of(members, sets, f"{FILE}, key sets.{name}")
    return sets


def tests_of(names: Sequence[str], sets: Sets, key: str) -> tuple[str, ...]:
    """The node ids that these names of sets, modules, functions and tests stand for.

    Raises ManifestError, which begins with the file and `key`, if there is no test of a name.
    """
    every = [nodeid for group in GROUPS for nodeid in sets.get(group, ())]
    nodeids: list[str] = []
    for name in names:
        parts = (f"{name}::", f"{name}[")
        tests = sets.get(name) or [
            nodeid for nodeid in every if nodeid == name or nodeid.startswith(parts)
        ]
        if not tests:
            modules = [nodeid.partition("::")[0] for nodeid in every]
            close = get_close_matches(name, [*sets, *modules, *every], 1, 0.8)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ManifestError(f"{key}: {name} is not in [tests] or [sets] of {FILE}{hint}")
        nodeids += tests
    return tuple(nodeids)


def own_outcomes(side: Side, sets: Sets) -> dict[str, Documented]:
    own: dict[str, Documented] = {}
    for index, outcome in enumerate(side.outcome):
        key = f"{side.file}, key {'' if side.number else 'broken.'}outcome.{index}.tests"
        for nodeid in tests_of(outcome.tests, sets, key):
            if own.setdefault(nodeid, outcome) is not outcome:
                raise ManifestError(f"{key}: {nodeid} has an outcome above")
    return own


def inherited_outcomes(
    side: Side, own: Mapping[str, Mapping[str, Documented]], sets: Sets
) -> dict[str, str]:
    """{node id: the side as on which it ends}, for what the side's file does not state itself."""
    inherited: dict[str, str] = {}
    for other, names in side.same_as.items():
        key = f"{side.file}, key same_as.{other}"
        if other not in own or other == side.id:
            raise ManifestError(f"{key}: there is no other side of that name")
        for name in names:
            left = [test for test in tests_of([name], sets, key) if test not in own[side.id]]
            if not left:
                raise ManifestError(f"{key}: the outcomes of {name} are all stated below")
            for nodeid in left:
                if nodeid not in own[other]:
                    raise ManifestError(f"{key}: {other} itself states nothing of {nodeid}")
                if inherited.setdefault(nodeid, other) != other:
                    raise ManifestError(f"{key}: {nodeid} is as on {inherited[nodeid]} already")
    return inherited


def check_names(common: Common, ids: set[str]) -> None:
    """Raise ManifestError if what remedies.toml names is not a remedy or a trap."""
    named = {"tour": common.tour}
    named |= {f"guide.{index}.sides": step.sides for index, step in enumerate(common.guide)}
    named |= {f"practice.{index}.sides": p.sides for index, p in enumerate(common.practice)}
    for key, sides in named.items():
        for side in sorted(set(sides) - ids):
            raise ManifestError(f"{FILE}, key {key}: {side} is not a remedy or a trap")
    if common.recommended not in ids or not common.recommended.startswith("fix-"):
        raise ManifestError(f"{FILE}, key recommended: {common.recommended} is not a remedy")
