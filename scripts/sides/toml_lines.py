"""On which line of a TOML text each key stands: what `tomllib` does not keep."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

# Where something stands in the file, as pydantic says it: ("side", 2, "outcome", 0, "tests").
Loc = tuple[int | str, ...]


class Mistake(ValueError):
    """What no single field shows. `loc` is the key at fault, seen from the table that is checked;
    `other`, seen from the whole file, is one that it does not agree with."""

    def __init__(self, message: str, loc: Loc, other: Loc = ()) -> None:
        super().__init__(message)
        self.loc = loc
        self.other = other


def line_of(loc: Loc, lines: dict[Loc, int]) -> int:
    """The line of a key; if it is not there, of the innermost table that should have it."""
    while loc not in lines:
        loc = loc[:-1]
    return lines[loc]


def lines_of(text: str) -> dict[Loc, int]:
    """The line of everything in a TOML text. `tomllib` keeps no positions, but it knows where a
    statement ends: as soon as the lines since the one before are TOML by themselves."""
    lines: dict[Loc, int] = {(): 1}
    tables: Counter[Loc] = Counter()  # how many there are of each [[table]] so far
    table: Loc = ()
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        statement.append(line)
        try:
            said = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue
        first = number - len(statement) + 1
        if statement[0].lstrip().startswith("["):
            table = header(said, tables)
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], first)
        else:
            for loc, value in inside(said, table):
                # A text in an array over several lines has a line of its own.
                at = (n for n, each in enumerate(statement) if f'"{value}"' in each)
                lines[loc] = first + (next(at, 0) if isinstance(loc[-1], int) else 0)
        statement = []
    return lines


def header(said: dict[str, Any], tables: Counter[Loc]) -> Loc:
    """Which table a line like [[side.outcome]] opens, {"side": {"outcome": [{}]}} to `tomllib`;
    it is counted in `tables`."""
    loc: Loc = ()
    while said:
        ((name, value),) = said.items()
        loc += (name,)
        tables[loc] += isinstance(value, list)
        if tables[loc]:
            loc += (tables[loc] - 1,)
        said = value if isinstance(value, dict) else {}
    return loc


def inside(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Everything in a table or an array, however deep, and where it is."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in pairs:
        yield (*loc, name), each
        if isinstance(each, dict | list):
            yield from inside(each, (*loc, name))
