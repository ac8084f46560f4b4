"""The threads of a picture: an object's way from the loop it bound to, to those that used it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from whichloop.records import NOBODY, Crossing, Ran, Recording, Site


class Thread(NamedTuple):
    """One binding of one object, by the fixture or test that used it first, and its uses on other
    loops, in order."""

    label: str
    bound_to: str
    bound_at: str
    bound: int | None
    bound_by: str
    uses: list[Crossing]

    @property
    def used_on(self) -> list[str]:
        return [use.used_on for use in self.uses]

    def cut_to(self, loops: Collection[str]) -> "Thread":
        return self._replace(uses=[use for use in self.uses if use.used_on in loops])

    def ends(self, loop: str) -> list[tuple[int, str]]:
        """The ticks at which it bound to a loop or was used there, with their signs' names."""
        bound = self.bound is not None and self.bound_to == loop
        uses = [(use.tick, "crossed") for use in self.uses if use.used_on == loop]
        return [(self.bound or 0, "bound"), *uses] if bound else uses


def _place(site: Site | None) -> str:
    return str(site or "a line not known")


def threads_of(recording: Recording, tests: Collection[str] | None = None) -> list[Thread]:
    """The threads of the crossings, with ``tests`` of those during them only. A connection is often
    seen twice, by its pool's probe and by its driver's: what has the same label and crosses at the
    same places is one thread."""
    labels = {record.seq: record.label for record in recording.objects}
    ran: dict[str, list[Ran]] = defaultdict(list)
    for row in sorted(recording.ran, key=lambda row: row.tick):
        ran[row.loop].append(row)
    threads: dict[tuple[int, int | None], Thread] = {}
    for use in recording.crossings:
        if tests is None or use.during in tests:
            # A pool may open a new connection in an old one's place: that is another thread.
            label = labels.get(use.seq) or "object"
            by = _who_ran(ran[use.bound_to], use.bound)
            new = Thread(label, use.bound_to, _place(use.bound_at), use.bound, by, [])
            threads.setdefault((use.seq, use.bound), new).uses.append(use)
    merged: dict[tuple[Any, ...], Thread] = {}
    for thread in threads.values():
        places = tuple((use.used_on, _place(use.at)) for use in thread.uses)
        merged.setdefault((thread.label, thread.bound_to, thread.bound_at, places), thread)
    return list(merged.values())


def _who_ran(rows: list[Ran], tick: int | None) -> str:
    """The last of these rows, by their ticks, that began by then, in words."""
    at = bisect_right(rows, tick or 0, key=lambda row: row.tick)
    return f"{rows[at - 1].kind} {rows[at - 1].name}" if at else str(NOBODY)


def alike(threads: list[Thread]) -> list[list[Thread]]:
    """Threads of one label that bind at one line and cross at the same lines, together."""
    groups: dict[tuple[Any, ...], list[Thread]] = defaultdict(list)
    for thread in threads:
        places = tuple(dict.fromkeys(_place(use.at) for use in thread.uses))
        groups[thread.label, thread.bound_at, places].append(thread)
    return list(groups.values())


def draw_threads(
    threads: list[Thread], column: Mapping[int | None, int], room: int, signs: Mapping[str, str]
) -> list[str]:
    """Threads that are alike, as rows of ``room`` columns; those that do not touch share one."""
    rows: list[list[str]] = []
    for thread in threads:
        start, ends = column.get(thread.bound, 0), [column[use.tick] for use in thread.uses]
        first, last = min(start, *ends), max(start, *ends) + 1
        row = next((cells for cells in rows if not "".join(cells[first:last]).strip()), None)
        if row is None:
            row = [" "] * room
            rows.append(row)
        row[first:last] = signs["thread"] * (last - first)
        row[start] = signs["bound"]
        for end in ends:
            row[end] = signs["crossed"]
    return ["".join(row) for row in rows]


def legend(threads: list[Thread]) -> list[tuple[str, str]]:
    """Where threads that are alike bind and cross: names of signs, with words."""
    bound_to = ", ".join(dict.fromkeys(thread.bound_to for thread in threads))
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for thread in threads:
        for use in thread.uses:
            places[_place(use.at)][use.used_on] = None
    crossed = [f"used on {', '.join(loops)} at {at}" for at, loops in places.items()]
    if len(crossed) > 3:
        crossed[3:] = [f"and at {len(crossed) - 3} lines more"]
    bound = f"bound to {bound_to} at {threads[0].bound_at}"
    return [("bound", bound), *(("crossed", words) for words in crossed)]
