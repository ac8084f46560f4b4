"""A recording as a picture: one lane a loop, from birth to death. Pure: records in, lines out."""

import textwrap
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from whichloop.present.threads import Thread, alike, draw_threads, legend, threads_of
from whichloop.records import LoopRecord, Ran, Recording

LABEL = 22
# A lane with more fixtures and tests than this names those of a thread's ends.
MAX_NAMES = 3
# Of loops that did the same, two are drawn: one to see it, one to see that it repeats.
DRAWN_OF_A_KIND = 2
# A picture that does not fit a screen is no picture; `--all` draws it nevertheless.
MAX_LANES = 24

Tests = Collection[str] | None  # node ids; None for all
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
    tests: Tests = None,
    every: bool = False,
) -> list[str]:
    """Draw what was recorded in one process or several, at most ``width`` columns wide: a lane for
    each loop, with what ran on it, and a thread for each object from where it bound to where other
    loops used it. Of loops that did the same two are drawn, with ``every`` all, with ``tests`` only
    theirs and those of what they used. ``ascii`` replaces all letters that are not ASCII's. Raises
    ``ValueError`` for a width below 60."""
    if width < 60:
        raise ValueError("lanes need at least 60 columns")
    # The process that started pytest-xdist's workers ran nothing itself.
    drawn = [part for part in recordings if part.loops] or recordings[:1]
    pictures = (_Picture(part, width, _SIGNS[ascii], tests, every) for part in drawn)
    lines = [line for picture in pictures for line in picture.lines()]
    return [line.encode("ascii", "replace").decode() for line in lines] if ascii else lines


def kind_of(loop: LoopRecord) -> str:
    """A loop in two words: its scope, or what runs it."""
    return f"{loop.scope} loop" if loop.scope else loop.runner


def _loops(count: int) -> str:
    return f"{count} more loop{'' if count == 1 else 's'}"


def _deeds(loop: LoopRecord, ran: list[Ran], threads: list[Thread]) -> list[str]:
    """What happened on a loop, in words that are equal for loops that did the same."""
    deeds: dict[str, None] = {}
    for thread in threads:
        a_thread = f"{'an' if thread.label[0] in 'aeiou' else 'a'} {thread.label}"
        if thread.bound_to == loop.id:
            deeds[f"left {a_thread} to another loop"] = None
        if loop.id in thread.used_on:
            deeds[f"used {a_thread} of another loop"] = None
    tests = {row.name for row in ran if row.kind == "test" and row.loop == loop.id}
    many = "one test" if len(tests) == 1 else "tests"
    quiet = f"with {many} that used nothing of another loop" if tests else "ran no test"
    return [*deeds] or [quiet]


def _fold(
    loops: Sequence[LoopRecord], ran: list[Ran], threads: list[Thread], tests: Tests
) -> tuple[list[str], list[str]]:
    """The names of the loops to draw, and a line for each kind of the others."""
    if tests is not None:
        wanted = {row.loop for row in ran if row.name in tests}
        wanted |= {loop for thread in threads for loop in (thread.bound_to, *thread.used_on)}
        drawn = [loop.id for loop in loops if loop.id in wanted]
        count = len(loops) - len(drawn)
        return drawn, [f"{_loops(count)} not drawn here"] if count else []
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for loop in loops:
        groups[kind_of(loop), *_deeds(loop, ran, threads)].append(loop.id)
    names = {name for group in groups.values() for name in group[:DRAWN_OF_A_KIND]}
    # A thread is drawn from end to end: with a loop that used something comes the one it is of.
    for thread in threads:
        if names.intersection(thread.used_on):
            names.add(thread.bound_to)
    drawn = [loop.id for loop in loops if loop.id in names][:MAX_LANES]
    lines = []
    for (_, *deeds), group in groups.items():
        left = len([name for name in group if name not in drawn])
        like = "".join([f" like {name}" for name in group if name in drawn][:1])
        if left:
            who = "it" if left == 1 else "each"
            lines.append(f"{_loops(left)}{like}, {who} {' and '.join(deeds)}")
    return drawn, lines


class _Lane(NamedTuple):
    """A loop; the fixtures and tests on it to name, and how many more there were; the ticks at
    which a thread began or ended on it, with the names of their signs."""

    loop: LoopRecord
    rows: list[Ran]
    unnamed: int
    ends: list[tuple[int, str]]


def _lane(loop: LoopRecord, ran: list[Ran], threads: list[Thread], tests: Tests) -> _Lane:
    ends = [end for thread in threads for end in thread.ends(loop.id)]
    rows = [row for row in ran if row.loop == loop.id]
    keep = rows
    if len(rows) > MAX_NAMES:
        keep = [row for row in rows if tests is not None and row.name in tests]
        for tick, _ in ends:
            keep += [row for row in rows if row.tick <= tick][-1:]
    named = [row for row in rows if row in (keep or rows[:MAX_NAMES])]
    return _Lane(loop, named, len(rows) - len(named), ends)


class _Picture:
    """One process's loops; ``column`` keeps the order of the ticks drawn, not their distances."""

    def __init__(
        self, recording: Recording, width: int, signs: Mapping[str, str], tests: Tests, every: bool
    ) -> None:
        self.width, self.room, self.signs = width, width - LABEL - 2, signs
        self.crossed = bool(recording.crossings)
        # A test's clean-up on a fixture's loop has no outcome: it is no test that ran there.
        ran = [row for row in recording.ran if row.kind == "fixture" or row.outcome is not None]
        ran.sort(key=lambda row: row.tick)
        threads = threads_of(recording, tests)
        drawn, self.folds = _fold(recording.loops, ran, threads, tests)
        if every:
            drawn, self.folds = [loop.id for loop in recording.loops], []
        cut = [thread.cut_to(drawn) for thread in threads if thread.bound_to in drawn]
        self.threads = [thread for thread in cut if thread.uses]
        loops = [loop for loop in recording.loops if loop.id in drawn]
        self.lanes = [_lane(loop, ran, self.threads, tests) for loop in loops]
        ticks = {tick for lane in self.lanes for tick, _ in lane.ends}
        for lane in self.lanes:
            ticks.update(tick for tick in (lane.loop.born, lane.loop.closed) if tick is not None)
            if len(lane.rows) > 1 or lane.unnamed:
                ticks.update(row.tick for row in lane.rows)
        last = max(len(ticks) - 1, 1)
        self.column: dict[int | None, int] = {
            tick: round(at * (self.room - 1) / last) for at, tick in enumerate(sorted(ticks))
        }

    def lines(self) -> list[str]:
        """The lanes, what is folded, then the threads."""
        if not self.lanes and not self.folds:
            return ["no event loop was seen"]
        lines = [line for lane in self.lanes for line in self._draw(lane)]
        more = self.signs["more"]
        for words in self.folds:
            lines += textwrap.wrap(more + words, self.width, subsequent_indent=" " * len(more))
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

    def _draw(self, lane: _Lane) -> list[str]:
        """A loop's life with its marks, and the names beside it or below."""
        loop, signs = lane.loop, self.signs
        start = self.column[loop.born]
        end = self.column[loop.closed] if loop.closed else self.room - 1
        cells = [" "] * self.room
        cells[start : end + 1] = signs["life"] * (end + 1 - start)
        cells[start] = signs["born"]
        cells[end] = signs["closed"] if loop.closed else signs["open"]
        for tick, sign in lane.ends:
            cells[self.column[tick]] = signs[sign]
        below = ""
        name = _short(lane.rows[0]) if lane.rows else ""
        after, before = end + 2, start - 1 - len(name)
        beside = after if after + len(name) <= self.room else before
        if len(lane.rows) != 1 or lane.unnamed:
            below = self._below(lane)
        elif beside >= 0:
            cells[beside : beside + len(name)] = name
        else:
            below = self._indented(name, start, self.room)
        label = self._cut(f"{loop.id:<3} {kind_of(loop)}", LABEL)
        rows = [f"{label}  {''.join(cells)}", f"{'':<{LABEL}}  {below}"]
        return [row.rstrip() for row in rows if row.strip()]

    def _below(self, lane: _Lane) -> str:
        """Names below a lane: each at its own column, or one after the other if that is tight."""
        more = f" {self.signs['more']}{lane.unnamed} more set-ups and tests" if lane.unnamed else ""
        room, line = self.room - len(more), ""
        for row in lane.rows:
            start = self.column[row.tick]
            if row is lane.rows[-1]:
                start = min(start, room - len(_short(row)))
            if start < len(line) + bool(line):
                names = ", ".join(map(_short, lane.rows))
                return self._indented(names, self.column[lane.rows[0].tick], room) + more
            line = f"{line:<{start}}{_short(row)}"
        return line + more

    def _indented(self, text: str, start: int, room: int) -> str:
        """The text from that column on, or so far to the left that it fits."""
        place = max(min(start, room - len(text)), 0)
        return " " * place + self._cut(text, min(len(text), room))

    def _cut(self, text: str, width: int) -> str:
        return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + self.signs["cut"]


def _short(row: Ran) -> str:
    return row.name.rpartition("::")[2]
