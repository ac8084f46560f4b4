"""A recording as lines of text: one lane a loop, from birth to death. Pure: records to lines."""

import textwrap
from collections.abc import Mapping, Sequence

from whichloop.present.picture import (
    NO_CROSSING,
    NO_LOOP,
    Lane,
    Picture,
    Tests,
    kind_of,
    pictures_of,
    short,
)
from whichloop.present.threads import alike, draw_threads, legend
from whichloop.records import Recording

LABEL = 22
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
    pictures = pictures_of(recordings, tests, every)
    lines = [line for part in pictures for line in _Drawing(part, width, _SIGNS[ascii]).lines()]
    return [line.encode("ascii", "replace").decode() for line in lines] if ascii else lines


class _Drawing:
    """One process's loops; ``column`` keeps the order of the ticks drawn, not their distances."""

    def __init__(self, picture: Picture, width: int, signs: Mapping[str, str]) -> None:
        self.picture, self.width, self.room, self.signs = picture, width, width - LABEL - 2, signs
        last = max(len(picture.ticks) - 1, 1)
        self.column: dict[int | None, int] = {
            tick: round(at * (self.room - 1) / last) for at, tick in enumerate(picture.ticks)
        }

    def lines(self) -> list[str]:
        """The lanes, what is folded, then the threads."""
        picture = self.picture
        if not picture.lanes and not picture.folds:
            return [NO_LOOP]
        lines = [line for lane in picture.lanes for line in self._draw(lane)]
        more = self.signs["more"]
        for words in picture.folds:
            lines += textwrap.wrap(more + words, self.width, subsequent_indent=" " * len(more))
        for threads in alike(picture.threads):
            label = self._cut(threads[0].label, LABEL)
            for cells in draw_threads(threads, self.column, self.room, self.signs):
                lines.append(f"{label}  {cells}".rstrip())
                label = " " * LABEL
            for sign, words in legend(threads):
                line = f"    {self.signs[sign]} {words}"
                lines.append(self._cut(line, self.width).rstrip())
        if not picture.crossed:
            lines.append(NO_CROSSING)
        return lines

    def _draw(self, lane: Lane) -> list[str]:
        """A loop's life with its marks, and the names beside it or below."""
        loop, signs = lane.loop, self.signs
        start = self.column[loop.born]
        end = self.column[loop.closed] if loop.closed is not None else self.room - 1
        cells = [" "] * self.room
        cells[start : end + 1] = signs["life"] * (end + 1 - start)
        cells[start] = signs["born"]
        cells[end] = signs["closed"] if loop.closed is not None else signs["open"]
        for tick, sign in lane.ends:
            cells[self.column[tick]] = signs[sign]
        below = ""
        name = short(lane.rows[0]) if lane.rows else ""
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

    def _below(self, lane: Lane) -> str:
        """Names below a lane: each at its own column, or one after the other if that is tight."""
        more = f" {self.signs['more']}{lane.unnamed} more set-ups and tests" if lane.unnamed else ""
        room, line = self.room - len(more), ""
        for row in lane.rows:
            start = self.column[row.tick]
            if row is lane.rows[-1]:
                start = min(start, room - len(short(row)))
            if start < len(line) + bool(line):
                names = ", ".join(map(short, lane.rows))
                return self._indented(names, self.column[lane.rows[0].tick], room) + more
            line = f"{line:<{start}}{short(row)}"
        return line + more

    def _indented(self, text: str, start: int, room: int) -> str:
        """The text from that column on, or so far to the left that it fits."""
        place = max(min(start, room - len(text)), 0)
        return " " * place + self._cut(text, min(len(text), room))

    def _cut(self, text: str, width: int) -> str:
        return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + self.signs["cut"]
