"""`remedies.toml`: the sides, and for every test of each what is documented and why.

It is the one place for these facts; every other place reads them here.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scripts.errors import CommandError, ManifestError
from scripts.paths import MANIFEST

Outcome = Literal["passed", "failed", "error", "skipped"]
Kind = Literal[
    "different_loop", "loop_closed", "operation_in_progress", "assertion", "infrastructure", "other"
]


Resolved = Literal["RESOLVED_FULL", "RESOLVED_PARTIAL", "RESOLVED_NO"]


KINDS = {"fix": "Remedy", "trap": "Trap"}


class Strict(BaseModel):
    """A table of the manifest: a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Documented(Strict):
    """What is documented of some tests of a side, with one sentence of why.

    `tests` are node ids, or prefixes of them that end at `::` or `[`; the longest match wins.
    """

    tests: tuple[str, ...] = Field(min_length=1)
    outcome: Outcome
    kind: Kind | None = None
    driver: str | None = None
    why: str = Field(min_length=20)
    # True if these tests differ from broken/ only because the pre-ping's alternation starts on the
    # other foot.
    alternation: bool = False

    @field_validator("why")
    @classmethod
    def why_is_explained(cls, why: str) -> str:
        """`outcomes --write` leaves this word where a person must say why."""
        if why.startswith("UNEXPLAINED"):
            raise ValueError("this outcome was accepted from a run and not explained yet")
        return why

    @model_validator(mode="after")
    def failure_has_a_kind(self) -> Documented:
        """A failure says which message it is; a pass has none."""
        if (self.outcome in ("failed", "error")) != (self.kind is not None):
            raise ValueError(f"kind must be given for a failure and only then ({self.outcome})")
        return self


class Verdict(Strict):
    """What is documented of a remedy as a whole and of each group it could cure."""

    overall: Resolved
    mongo: Resolved
    postgres: Resolved


class Side(Strict):
    """One folder of tests that run together, wired in one way."""

    id: str = Field(pattern=r"^(broken|(fix|trap)-\d\d)$")
    folder: str
    title: str
    source: str
    # The files that differ from broken/, beside README.md; the wrappers count as "test_*.py".
    changes: tuple[str, ...] = ()
    verdict: Verdict | None = None
    # One sentence of why it has that verdict, and one of when to choose it.
    why: str = ""
    when: str = ""
    # It takes all connections of the server: nothing else may run beside it.
    alone: bool = False
    outcome: tuple[Documented, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def remedy_is_described(self) -> Side:
        """All but the broken side have a verdict, and say why and when."""
        if self.id != "broken" and not (self.verdict and self.why and self.when and self.changes):
            raise ValueError(f"side {self.id} needs changes, verdict, why and when")
        return self

    @property
    def name(self) -> str:
        """ "Remedy 3", "Trap 1" or "The broken side"."""
        kind, _, number = self.id.partition("-")
        return f"{KINDS[kind]} {int(number)}" if number else "The broken side"

    @property
    def target(self) -> str:
        """Its make target: fix-3."""
        kind, _, number = self.id.partition("-")
        return f"{kind}-{int(number)}" if number else "reproduce"

    def documented(self, nodeid: str) -> Documented:
        """What is documented of one test. Raises KeyError if nothing is."""
        found: tuple[int, Documented] | None = None
        for entry in self.outcome:
            for test in entry.tests:
                if covers(test, nodeid) and (found is None or len(test) > found[0]):
                    found = (len(test), entry)
        if found is None:
            raise KeyError(nodeid)
        return found[1]


class Step(Strict):
    """One question of the guide, and the remedies that answer it."""

    question: str
    answer: str
    sides: tuple[str, ...] = Field(min_length=1)


class Practice(Strict):
    """A piece of common advice, what the runs say of it, and the remedies that follow it."""

    id: str = Field(pattern=r"^P[1-8]$")
    text: str
    finding: str
    sides: tuple[str, ...] = Field(min_length=1)


class Manifest(Strict):
    """The whole file. `tests` maps a group (mongo, postgres, control) to its node ids."""

    schema_version: Literal[1]
    # The remedy that `make fix` runs, and the sides of `make tour`.
    recommended: str
    tour: tuple[str, ...]
    tests: dict[Literal["mongo", "postgres", "control"], tuple[str, ...]]
    side: tuple[Side, ...]
    guide: tuple[Step, ...]
    practice: tuple[Practice, ...]

    @cached_property
    def nodeids(self) -> tuple[str, ...]:
        """Every test of the suite."""
        return tuple(nodeid for group in self.tests.values() for nodeid in group)

    def get(self, side: str) -> Side:
        """The side of that id. Raises CommandError if there is none."""
        for each in self.side:
            if each.id == side:
                return each
        known = ", ".join(each.id for each in self.side)
        raise CommandError(f"there is no side {side!r}; there are {known}")

    def numbered(self, kind: str, number: str) -> Side:
        """The remedy or trap of a number as it was typed. Raises CommandError, with the numbers."""
        sides = {int(side.id[-2:]): side for side in self.of(kind)}
        if number.isascii() and number.isdigit() and int(number) in sides:
            return sides[int(number)]
        raise CommandError(
            f"{number!r} is not the number of a {KINDS[kind].lower()}: they are 1 to {max(sides)}",
            hint=f"python -m scripts {'fixes' if kind == 'fix' else 'traps'}",
        )

    def of(self, kind: str) -> list[Side]:
        """The sides of a kind, "fix" or "trap", in their order."""
        return [side for side in self.side if side.id.startswith(kind + "-")]

    @model_validator(mode="after")
    def every_test_is_documented(self) -> Manifest:
        """Each side says something of each test, and of no test that does not exist."""
        ids = {side.id for side in self.side}
        advised = [side for step in self.guide for side in step.sides]
        advised += [side for practice in self.practice for side in practice.sides]
        for name in (self.recommended, *self.tour, *advised, "broken"):
            if name not in ids:
                raise ValueError(f"{name} is named and is not a side")
        for side in self.side:
            for nodeid in self.nodeids:
                try:
                    side.documented(nodeid)
                except KeyError:
                    raise ValueError(f"side {side.id} documents nothing of {nodeid}") from None
            for test in (test for entry in side.outcome for test in entry.tests):
                if not any(covers(test, nodeid) for nodeid in self.nodeids):
                    raise ValueError(f"side {side.id} documents {test}, which is not in [tests]")
        return self


def covers(test: str, nodeid: str) -> bool:
    """Does an entry of `tests` speak of this node id: as itself, its module or its function?"""
    return nodeid == test or nodeid.startswith((test + "::", test + "["))


def load(path: Path = MANIFEST) -> Manifest:
    """Read the manifest. Raises ManifestError with the line and the key that are wrong."""
    try:
        text = path.read_text("utf-8")
        return Manifest.model_validate(tomllib.loads(text))
    except OSError as error:
        raise ManifestError(f"cannot read {path.name}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path.name} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        line = line_of(text, first["loc"])
        raise ManifestError(f"{path.name}, line {line}, key {key}: {first['msg']}") from None


def line_of(text: str, loc: tuple[int | str, ...]) -> int:
    """The line of the innermost table of arrays that a key path names: ("side", 2, "outcome", 0).

    `tomllib` keeps no positions, so the headers are counted in the text.
    """
    lines = text.splitlines()
    start = 0
    header = ""
    for name, index in pairwise(loc):
        if not isinstance(name, str) or not isinstance(index, int):
            continue
        header = f"{header}.{name}" if header else name
        pattern = re.compile(rf"^\s*\[\[{re.escape(header)}\]\]")
        found = [number for number in range(start, len(lines)) if pattern.match(lines[number])]
        if index >= len(found):
            break
        start = found[index]
    last = loc[-1] if loc else ""
    for number in range(start + 1, len(lines)):
        if lines[number].startswith("[["):
            break
        if re.match(rf"^\s*{re.escape(str(last))}\s*=", lines[number]):
            return number + 1
    return start + 1
