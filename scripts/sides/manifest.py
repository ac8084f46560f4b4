"""`remedies.toml`: the sides, and for every test of each what is documented and why.

It is the one place for these facts; every other place reads them here.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scripts.errors import CommandError, ManifestError
from scripts.paths import MANIFEST
from scripts.sides.toml_lines import Loc, Mistake, line_of, lines_of
from scripts.verdict.words import Kind, Outcome

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
            message = f"kind must be given for a failure and only then ({self.outcome})"
            raise Mistake(message, ("kind",))
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
        lacking = [key for key in ("changes", "verdict", "why", "when") if not getattr(self, key)]
        if self.id != "broken" and lacking:
            raise Mistake(f"a remedy or trap needs {', '.join(lacking)}", (lacking[0],))
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
    def sides_are_told_apart(self) -> Manifest:
        """No id and no folder twice; and since people type numbers, no number is left out."""
        seen: dict[tuple[str, str], Loc] = {}
        due: Counter[str] = Counter()
        for index, side in enumerate(self.side):
            for key, value in (("id", side.id), ("folder", side.folder)):
                loc = ("side", index, key)
                if (key, value) in seen:
                    message = f"{value} is the {key} of another side too"
                    raise Mistake(message, loc, seen[key, value])
                seen[key, value] = loc
            kind = side.id.partition("-")[0]
            due[kind] += 1
            if kind in KINDS and side.id != f"{kind}-{due[kind]:02}":
                message = f"{side.id} stands where {kind}-{due[kind]:02} is due"
                raise Mistake(message, ("side", index, "id"))
        return self

    @model_validator(mode="after")
    def every_name_is_a_side(self) -> Manifest:
        """What is named is a remedy or a trap; and there is a broken side to hold them against."""
        ids = {side.id for side in self.side}
        if "broken" not in ids:
            raise Mistake("none of the sides is broken", ("side",))
        if self.recommended not in ids or not self.recommended.startswith("fix-"):
            raise Mistake(f"{self.recommended} is not a remedy", ("recommended",))
        named: list[tuple[Loc, tuple[str, ...]]] = [(("tour",), self.tour)]
        named += [(("guide", index, "sides"), step.sides) for index, step in enumerate(self.guide)]
        named += [(("practice", index, "sides"), p.sides) for index, p in enumerate(self.practice)]
        for loc, sides in named:
            for index, side in enumerate(sides):
                if side not in ids - {"broken"}:
                    raise Mistake(f"{side} is not a remedy or a trap", (*loc, index))
        return self

    @model_validator(mode="after")
    def every_test_is_documented(self) -> Manifest:
        """Each side says something of each test, and of no test that does not exist."""
        where: dict[str, Loc] = {
            nodeid: ("tests", group, number)
            for group, nodeids in self.tests.items()
            for number, nodeid in enumerate(nodeids)
        }
        for index, side in enumerate(self.side):
            for place, entry in enumerate(side.outcome):
                for number, test in enumerate(entry.tests):
                    if not any(covers(test, nodeid) for nodeid in self.nodeids):
                        loc = ("side", index, "outcome", place, "tests", number)
                        message = f"documents {test}, which is not in [tests]"
                        # The mistake may as well be in there: show what is nearest.
                        close = get_close_matches(test, where, 1, 0.8)
                        message += f"; {close[0]} is" if close else ""
                        raise Mistake(message, loc, where[close[0]] if close else ())
            for nodeid, other in where.items():
                try:
                    side.documented(nodeid)
                except KeyError:
                    message = f"documents nothing of {nodeid}"
                    raise Mistake(message, ("side", index, "outcome"), other) from None
        return self


def covers(test: str, nodeid: str) -> bool:
    """Does an entry of `tests` speak of this node id: as itself, its module or its function?"""
    return nodeid == test or nodeid.startswith((test + "::", test + "["))


def load(path: Path = MANIFEST) -> Manifest:
    """Read the manifest. Raises ManifestError with the line and the key that are wrong."""
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text)
        return Manifest.model_validate(data)
    except OSError as error:
        raise ManifestError(f"cannot read {path.name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{error.object[error.start]:02x}"
        raise ManifestError(f"{path.name}, line {line}: {byte} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path.name} is not TOML: {error}") from None
    except ValidationError as error:
        raise ManifestError(f"{path.name}, {told(error, data, lines_of(text))}") from None


def told(error: ValidationError, data: dict[str, Any], lines: dict[Loc, int]) -> str:
    """The line, the key, the side and the mistake; of several one, a key that is unknown first:
    where `titel` is written, `title` is missing too, and that is not what must be mended."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    # pydantic adds a part of its own to the path where a key of [tests] is wrong.
    loc = tuple(part for part in first["loc"] if part != "[key]")
    message = first["msg"]
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, ValueError):
        message = str(raised)
    if isinstance(raised, Mistake):
        loc += raised.loc
        if raised.other:
            message += f" (see line {line_of(raised.other, lines)})"
    if first["type"] == "extra_forbidden":
        message = f"there is no such key here; {near(loc)}"
    key = ".".join(str(part) for part in loc)
    match loc:
        case ("side", int(index), *_) if isinstance(data["side"][index], dict):
            key += f" of {data['side'][index].get('id', 'a side without an id')}"
    return f"line {line_of(loc, lines)}, key {key}: {message}"


def near(loc: Loc) -> str:
    """What an unknown key may have been meant to be: the nearest of its table, or all of them."""
    tables: dict[str, type[Strict]] = {
        "side": Side,
        "verdict": Verdict,
        "outcome": Documented,
        "guide": Step,
        "practice": Practice,
    }
    names = [part for part in loc if isinstance(part, str)]
    known = (tables[names[-2]] if len(names) > 1 else Manifest).model_fields
    close = get_close_matches(names[-1], known, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
