"""A recording as a picture: one lane a loop, from birth to death. Pure: a dict in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LABEL = 22
MAX_LANES = 12

_SIGNS = {
    False: {
        "born": "├",
        "life": "─",
        "closed": "┤",
        "open": "→",
        "bound": "●",
        "thread": "╌",
        "crossed": "✗",
        "cut": "…",
    },
    True: {
        "born": "[",
        "life": "-",
        "closed": "]",
        "open": ">",
        "bound": "o",
        "thread": ".",
        "crossed": "X",
        "cut": "~",
    },
}

Row = Mapping[str, Any]


def draw_lanes(recording: Mapping[str, Any], *, width: int = 80, ascii: bool = False) -> list[str]:
    """Draw a recording of ``--whichloop-record``, at most ``width`` columns wide.

    Each loop is a lane, with the fixtures and tests that ran on it below; each object that was
    used on another loop than its own is a thread from where it bound to where it was used, and
    the crossing is marked on the lane and listed at the end. Loops without a crossing are left
    out, and counted, where there are too many. ``ascii`` uses signs of ASCII only, and replaces
    other letters. Raises ``KeyError`` for a dict that is not such a recording, ``ValueError`` for
    a width below 60.
    """
    if width < 60:
        raise ValueError("lanes need at least 60 columns")
    lines: list[str] = []
    workers = sorted({str(row.get("worker", "")) for row in recording["loops"]})
    for worker in workers or [""]:
        part = {
            key: [row for row in recording[key] if str(row.get("worker", "")) == worker]
            for key in ("loops", "fixtures", "tests", "connections", "crossings")
        }
        lines += _draw(part, width, _SIGNS[ascii])
    if ascii:
        lines = [line.encode("ascii", "replace").decode() for line in lines]
    return lines


def _draw(part: Mapping[str, list[Row]], width: int, signs: Mapping[str, str]) -> list[str]:
    loops, crossings = part["loops"], part["crossings"]
    if not loops:
        return ["no event loop was seen"]
    chosen = _choose(loops, part)
    names = {row["id"] for row in chosen}
    ran = [row for row in [*part["fixtures"], *part["tests"]] if row["loop"] in names]
    objects = {row["seq"]: row for row in part["connections"]}
    shown = [row for row in crossings if row["used_on"] in names and row["bound_to"] in names]
    column = _columns(chosen, ran, shown, width - LABEL - 2)
    lines: list[str] = []
    for loop in chosen:
        lines.append(_lane(loop, shown, column, width, signs))
        under = [row for row in ran if row["loop"] == loop["id"]]
        if under:
            lines.append(_names(under, column, width, signs))
    seen: set[tuple[int, int | None]] = set()
    for crossing in shown:
        # A pool may open a new connection in an old one's place: that is another thread.
        if (crossing["seq"], crossing["bound"]) in seen:
            continue
        seen.add((crossing["seq"], crossing["bound"]))
        lines += _thread(crossing, shown, objects, column, width, signs)
    if len(chosen) < len(loops):
        lines.append(f"{len(loops) - len(chosen)} more loops are not drawn")
    if not crossings:
        lines.append("no object was used on another loop than its own")
    return lines


def _choose(loops: list[Row], part: Mapping[str, list[Row]]) -> list[Row]:
    """The loops of crossings first, then those that something ran on, up to ``MAX_LANES``."""
    crossed = {name for row in part["crossings"] for name in (row["bound_to"], row["used_on"])}
    busy = {row["loop"] for row in [*part["fixtures"], *part["tests"]]}
    ranked = sorted(
        loops, key=lambda row: (row["id"] not in crossed, row["id"] not in busy, row["born"])
    )
    keep = {row["id"] for row in ranked[:MAX_LANES] if row["id"] in crossed | busy or not busy}
    return [row for row in loops if row["id"] in keep] or loops[:MAX_LANES]


def _columns(
    loops: list[Row], ran: list[Row], crossings: list[Row], room: int
) -> Mapping[int, int]:
    """A column for every tick of interest: the order is kept, the distances are not."""
    ticks = {row["born"] for row in loops} | {row["closed"] for row in loops if row["closed"]}
    ticks |= {row["tick"] for row in ran} | {row["tick"] for row in crossings}
    ticks |= {row["bound"] for row in crossings if row["bound"] is not None}
    order = sorted(ticks)
    last = max(len(order) - 1, 1)
    return {tick: round(at * (room - 1) / last) for at, tick in enumerate(order)}


def _lane(
    loop: Row,
    crossings: list[Row],
    column: Mapping[int, int],
    width: int,
    signs: Mapping[str, str],
) -> str:
    room = width - LABEL - 2
    cells = [" "] * room
    start = column[loop["born"]]
    end = column[loop["closed"]] if loop["closed"] else room - 1
    for at in range(start, end + 1):
        cells[at] = signs["life"]
    cells[start] = signs["born"]
    cells[end] = signs["closed"] if loop["closed"] else signs["open"]
    for crossing in crossings:
        if crossing["bound_to"] == loop["id"] and crossing["bound"] in column:
            cells[column[crossing["bound"]]] = signs["bound"]
        if crossing["used_on"] == loop["id"]:
            cells[column[crossing["tick"]]] = signs["crossed"]
    what = f"{loop['scope']} loop" if loop.get("scope") else str(loop.get("runner", ""))
    label = _cut(f"{loop['id']:<3} {what}", LABEL, signs)
    return f"{label}  {''.join(cells)}".rstrip()


def _cut(text: str, width: int, signs: Mapping[str, str]) -> str:
    return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + signs["cut"]


def _names(
    rows: Iterable[Row], column: Mapping[int, int], width: int, signs: Mapping[str, str]
) -> str:
    """Names below a lane, each starting at its own column where there is room for it."""
    room = width - LABEL - 2
    line = ""
    todo = sorted(rows, key=lambda row: row["tick"])
    for at, row in enumerate(todo):
        name = str(row["name"]).rpartition("::")[2]
        start = column[row["tick"]]
        following = column[todo[at + 1]["tick"]] if at + 1 < len(todo) else room
        if start < len(line) + bool(line):
            start = len(line) + bool(line)
        space = max(min(following, room) - start - 1, 0) if at + 1 < len(todo) else room - start
        if space < 3 and at + 1 == len(todo) and start > 0:
            start = max(room - len(name), len(line) + bool(line))
            space = room - start
        if space < 3:
            continue
        line = f"{line:<{start}}{_cut(name, min(space, len(name)), signs)}"
    return f"{'':<{LABEL}}  {line[:room]}".rstrip()


def _thread(
    crossing: Row,
    crossings: list[Row],
    objects: Mapping[int, Row],
    column: Mapping[int, int],
    width: int,
    signs: Mapping[str, str],
) -> list[str]:
    same = (crossing["seq"], crossing["bound"])
    mine = [row for row in crossings if (row["seq"], row["bound"]) == same]
    obj = objects.get(crossing["seq"], {})
    room = width - LABEL - 2
    cells = [" "] * room
    bound = crossing["bound"]
    start = column.get(bound, 0) if bound is not None else 0
    end = max(column[row["tick"]] for row in mine)
    for at in range(min(start, end), max(start, end)):
        cells[at] = signs["thread"]
    cells[start] = signs["bound"]
    for row in mine:
        cells[column[row["tick"]]] = signs["crossed"]
    label = str(obj.get("label") or "object")
    lines = [f"{_cut(label, LABEL, signs)}  {''.join(cells)}".rstrip()]
    line = crossing["bound_at"] or "a line not known"
    words = [f"bound to {crossing['bound_to']} at {line}"]
    words += [f"used on {row['used_on']} at {row['at'] or 'a line not known'}" for row in mine[:3]]
    if len(mine) > 3:
        words.append(f"and {len(mine) - 3} times more")
    for word in words:
        sign = signs["bound"] if word.startswith("bound") else signs["crossed"]
        lines.append(_cut(f"    {sign} {word}", width, signs).rstrip())
    return lines
