"""Which loops of a recording are drawn, and what is said of those that are not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from whichloop.present.threads import Thread

Row = Mapping[str, Any]
# Of loops that did the same, two are drawn: one to see it, one to see that it repeats.
DRAWN_OF_A_KIND = 2
# A picture that does not fit a screen is no picture; `--all` draws it nevertheless.
MAX_LANES = 24


def kind_of(loop: Row) -> str:
    """A loop in two words: its scope, or what runs it."""
    return f"{loop['scope']} loop" if loop.get("scope") else str(loop.get("runner", ""))


def _loops(count: int) -> str:
    return f"{count} more loop{'' if count == 1 else 's'}"


def _deeds(loop: Row, tests: list[Row], threads: list[Thread]) -> list[str]:
    """What happened on a loop, in words that are equal for loops that did the same."""
    deeds: dict[str, None] = {}
    for thread in threads:
        article = "an" if thread.label[0] in "aeiou" else "a"
        if thread.bound_to == loop["id"]:
            deeds[f"left {article} {thread.label} to another loop"] = None
        if any(use.on == loop["id"] for use in thread.uses):
            deeds[f"used {article} {thread.label} of another loop"] = None
    if deeds:
        return list(deeds)
    many = len({row["name"] for row in tests if row["loop"] == loop["id"]})
    if not many:
        return ["ran no test"]
    return [f"with {'one test' if many == 1 else 'tests'} that used nothing of another loop"]


def fold(
    loops: list[Row],
    tests: list[Row],
    threads: list[Thread],
    *,
    only: Collection[str] | None = None,
    every: bool = False,
) -> tuple[list[Row], list[str]]:
    """The loops to draw, in order of birth, and a line for each kind of the others.

    ``only`` names the tests whose loops, and those of the objects they used, are to be drawn.
    """
    if every:
        return loops, []
    if only is not None:
        wanted = {row["loop"] for row in tests if row["name"] in only}
        wanted.update(*(thread.loops for thread in threads))
        drawn = [loop for loop in loops if loop["id"] in wanted]
        count = len(loops) - len(drawn)
        return drawn, [f"{_loops(count)} not drawn here"] if count else []
    groups: dict[tuple[str, ...], list[Row]] = {}
    for loop in loops:
        groups.setdefault((kind_of(loop), *_deeds(loop, tests, threads)), []).append(loop)
    names = {loop["id"] for group in groups.values() for loop in group[:DRAWN_OF_A_KIND]}
    # A thread is drawn from end to end: with a loop that used something comes the one it is of.
    for thread in threads:
        if any(use.on in names for use in thread.uses):
            names.add(thread.bound_to)
    drawn = [loop for loop in loops if loop["id"] in names][:MAX_LANES]
    names = {loop["id"] for loop in drawn}
    lines = []
    for (_, *deeds), group in groups.items():
        left = [loop["id"] for loop in group if loop["id"] not in names]
        shown = next((loop["id"] for loop in group if loop["id"] in names), None)
        if left:
            like = f" like {shown}" if shown else ""
            each = "it" if len(left) == 1 else "each"
            lines.append(f"{_loops(len(left))}{like}, {each} {' and '.join(deeds)}")
    return drawn, lines
