"""A recording as a picture: one lane a loop, from birth to death. Pure: records in, lines out."""

import textwrap
from collections.abc import Collection, Mapping, Sequence

from whichloop.present.threads import Thread, alike, draw_threads, legend, threads_of
from whichloop.records import LoopRecord, Ran, Recording

LABEL = 22
# A lane with more fixtures and tests than this names those of a thread's ends.
MAX_NAMES = 3
# Of loops that did the same, two are drawn: one to see it, one to see that it repeats.
DRAWN_OF_A_KIND = 2
# A picture that does not fit a screen is no picture; `--all` draws it nevertheless.
MAX_LANES = 24

_PARTS = ("born", "life", "closed", "open", "bound", "thread", "crossed", "cut", "more")
_SIGNS = {
    False: dict(zip(_PARTS, (*"├─┤→●╌✗…", "… "), strict=True)),
    True: dict(zip(_PARTS, (*"[-]>o.X~", "... "), strict=True)),
}


def needs_ascii(encoding: str | None) -> bool:
    """True where output in that encoding cannot show the signs of a picture."""
    try:
        "".join(_SIGNS[False].values()).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return True
    return False


def draw_lanes(
    recordings: Sequence[Recording],
    *,
    width: int = 80,
    ascii: bool = False,
    tests: Collection[str] | None = None,
    every: bool = False,
) -> list[str]:
    """Draw what was recorded in one process or several, at most ``width`` columns wide.

    Each loop is a lane, with the fixtures and tests that ran on it; each object that was used on
    another loop than its own is a thread from where it bound to where it was used, with the lines
    of code below. Of many loops that did the same two are drawn, and a line counts the others;
    ``every`` draws them all. ``tests`` (node ids) draws only their loops and the loops of what
    they used. ``ascii`` uses signs of ASCII only, and replaces other letters. Raises ``ValueError``
    for a width below 60.
    """
    if width < 60:
        raise ValueError("lanes need at least 60 columns")
    lines: list[str] = []
    # The process that started pytest-xdist's workers ran nothing itself.
    for recording in [part for part in recordings if part.loops] or recordings[:1]:
        lines += _Picture(recording, width, _SIGNS[ascii], tests, every).lines()
    if ascii:
        lines = [line.encode("ascii", "replace").decode() for line in lines]
    return lines


def kind_of(loop: LoopRecord) -> str:
    """A loop in two words: its scope, or what runs it."""
    return f"{loop.scope} loop" if loop.scope else loop.runner


def _loops(count: int) -> str:
    return f"{count} more loop{'' if count == 1 else 's'}"


def _deeds(loop: LoopRecord, tests: list[Ran], threads: list[Thread]) -> list[str]:
    """What happened on a loop, in words that are equal for loops that did the same."""
    deeds: dict[str, None] = {}
    for thread in threads:
        article = "an" if thread.label[0] in "aeiou" else "a"
        if thread.bound_to == loop.id:
            deeds[f"left {article} {thread.label} to another loop"] = None
        if any(use.on == loop.id for use in thread.uses):
            deeds[f"used {article} {thread.label} of another loop"] = None
    if deeds:
        return list(deeds)
    many = len({row.name for row in tests if row.loop == loop.id})
    if not many:
        return ["ran no test"]
    return [f"with {'one test' if many == 1 else 'tests'} that used nothing of another loop"]


def fold(
    loops: list[LoopRecord],
    tests: list[Ran],
    threads: list[Thread],
    *,
    only: Collection[str] | None = None,
    every: bool = False,
) -> tuple[list[LoopRecord], list[str]]:
    """The loops to draw, in order of birth, and a line for each kind of the others.

    ``only`` names the tests whose loops, and those of the objects they used, are to be drawn.
    """
    if every:
        return loops, []
    if only is not None:
        wanted = {row.loop for row in tests if row.name in only}
        wanted.update(*(thread.loops for thread in threads))
        drawn = [loop for loop in loops if loop.id in wanted]
        count = len(loops) - len(drawn)
        return drawn, [f"{_loops(count)} not drawn here"] if count else []
    groups: dict[tuple[str, ...], list[LoopRecord]] = {}
    for loop in loops:
        groups.setdefault((kind_of(loop), *_deeds(loop, tests, threads)), []).append(loop)
    names = {loop.id for group in groups.values() for loop in group[:DRAWN_OF_A_KIND]}
    # A thread is drawn from end to end: with a loop that used something comes the one it is of.
    for thread in threads:
        if any(use.on in names for use in thread.uses):
            names.add(thread.bound_to)
    drawn = [loop for loop in loops if loop.id in names][:MAX_LANES]
    names = {loop.id for loop in drawn}
    lines = []
    for (_, *deeds), group in groups.items():
        left = [loop.id for loop in group if loop.id not in names]
        shown = next((loop.id for loop in group if loop.id in names), None)
        if left:
            like = f" like {shown}" if shown else ""
            who = "it" if len(left) == 1 else "each"
            lines.append(f"{_loops(len(left))}{like}, {who} {' and '.join(deeds)}")
    return drawn, lines


class _Picture:
    """One process's loops; ``column`` has a place for every tick of interest: the order is kept,
    the distances are not."""

    def __init__(
        self,
        recording: Recording,
        width: int,
        signs: Mapping[str, str],
        tests: Collection[str] | None,
        every: bool,
    ) -> None:
        self.width, self.room, self.signs = width, width - LABEL - 2, signs
        self.crossed = bool(recording.crossings)
        # A test's clean-up on a fixture's loop has no outcome: it is no test that ran there.
        ran = [row for row in recording.ran if row.kind == "fixture" or row.outcome is not None]
        bodies = [row for row in ran if row.kind == "test"]
        threads = threads_of(recording, tests)
        loops = list(recording.loops)
        self.loops, self.folds = fold(loops, bodies, threads, only=tests, every=every)
        names = {loop.id for loop in self.loops}
        cut = [thread.cut_to(names) for thread in threads]
        self.threads: list[Thread] = [thread for thread in cut if thread is not None]
        rows = sorted(ran, key=lambda row: row.tick)
        self.names: dict[str, list[Ran]] = {}
        self.unnamed: dict[str, int] = {}
        for loop in self.loops:
            on_it = [row for row in rows if row.loop == loop.id]
            self.names[loop.id] = self._worth_naming(loop.id, on_it, tests)
            self.unnamed[loop.id] = len(on_it) - len(self.names[loop.id])
        self.column = self._columns()

    def _ticks_of(self, loop: str) -> list[int]:
        """When a drawn thread bound to the loop or was used on it."""
        bound = [t.bound for t in self.threads if t.bound_to == loop and t.bound is not None]
        return bound + [use.tick for t in self.threads for use in t.uses if use.on == loop]

    def _worth_naming(self, loop: str, rows: list[Ran], tests: Collection[str] | None) -> list[Ran]:
        if len(rows) <= MAX_NAMES:
            return rows
        keep = [row for row in rows if tests is not None and row.name in tests]
        for tick in self._ticks_of(loop):
            keep += [row for row in rows if row.tick <= tick][-1:]
        return [row for row in rows if any(row is kept for kept in keep or rows[:MAX_NAMES])]

    def _columns(self) -> dict[int, int]:
        ticks = {row.born for row in self.loops}
        ticks |= {row.closed for row in self.loops if row.closed}
        for loop, rows in self.names.items():
            ticks.update(self._ticks_of(loop))
            if len(rows) > 1 or self.unnamed[loop]:
                ticks.update(row.tick for row in rows)
        order = sorted(ticks)
        last = max(len(order) - 1, 1)
        return {tick: round(at * (self.room - 1) / last) for at, tick in enumerate(order)}

    def lines(self) -> list[str]:
        """The lanes, what is folded, then the threads."""
        if not self.loops and not self.folds:
            return ["no event loop was seen"]
        lines: list[str] = []
        for loop in self.loops:
            lines += self._lane(loop)
        for words in self.folds:
            more = self.signs["more"]
            indent = " " * len(more)
            lines += textwrap.wrap(more + words, self.width, subsequent_indent=indent)
        for threads in alike(self.threads):
            label = self._cut(threads[0].label, LABEL)
            for cells in draw_threads(threads, self.column, self.room, self.signs):
                lines.append(f"{label}  {cells}".rstrip())
                label = " " * LABEL
            for words in legend(threads, self.signs):
                lines.append(self._cut(f"    {words}", self.width).rstrip())
        if not self.crossed:
            lines.append("no object was used on another loop than its own")
        return lines

    def _lane(self, loop: LoopRecord) -> list[str]:
        """A loop's life with its marks, and the names beside it or below."""
        signs, column = self.signs, self.column
        cells = [" "] * self.room
        start = column[loop.born]
        end = column[loop.closed] if loop.closed else self.room - 1
        cells[start : end + 1] = signs["life"] * (end + 1 - start)
        cells[start] = signs["born"]
        cells[end] = signs["closed"] if loop.closed else signs["open"]
        for thread in self.threads:
            if thread.bound_to == loop.id and thread.bound is not None:
                cells[column[thread.bound]] = signs["bound"]
            for use in thread.uses:
                if use.on == loop.id:
                    cells[column[use.tick]] = signs["crossed"]
        label = self._cut(f"{loop.id:<3} {kind_of(loop)}", LABEL)
        rows, unnamed = self.names[loop.id], self.unnamed[loop.id]
        below = ""
        if len(rows) == 1 and not unnamed:
            name = _short(rows[0])
            if end + 2 + len(name) <= self.room:
                cells[end + 2 : end + 2 + len(name)] = name
            elif start > len(name):
                cells[start - 1 - len(name) : start - 1] = name
            else:
                place = max(min(start, self.room - len(name)), 0)
                below = " " * place + self._cut(name, min(len(name), self.room))
        elif rows or unnamed:
            below = self._below(rows, unnamed)
        lines = [f"{label}  {''.join(cells)}".rstrip()]
        return [*lines, f"{'':<{LABEL}}  {below}".rstrip()] if below else lines

    def _below(self, rows: list[Ran], unnamed: int) -> str:
        """Names below a lane: each at its own column, or one after the other if that is tight."""
        rest = f" {self.signs['more']}{unnamed} more set-ups and tests" if unnamed else ""
        room = self.room - len(rest)
        line = ""
        for at, row in enumerate(rows):
            start = self.column[row.tick]
            if at + 1 == len(rows):
                start = min(start, room - len(_short(row)))
            if start < len(line) + bool(line):
                names = ", ".join(_short(row) for row in rows)
                first = max(min(self.column[rows[0].tick], room - len(names)), 0)
                line = " " * first + self._cut(names, min(len(names), room))
                break
            line = f"{line:<{start}}{_short(row)}"
        return line + rest

    def _cut(self, text: str, width: int) -> str:
        return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + self.signs["cut"]


def _short(row: Ran) -> str:
    return row.name.rpartition("::")[2]
