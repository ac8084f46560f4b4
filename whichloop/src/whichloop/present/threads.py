"""The threads of a picture: an object's way from the loop it bound to, to those that used it."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from whichloop.records import Recording

_NO_LINE = "a line not known"


class Use(NamedTuple):
    """A use on a loop that is not the object's own."""

    on: str
    at: str
    tick: int


class Thread(NamedTuple):
    """One binding of one object, and its uses on other loops, in order."""

    label: str
    bound_to: str
    bound_at: str
    bound: int | None
    uses: list[Use]

    @property
    def loops(self) -> set[str]:
        """Every loop that it touches."""
        return {self.bound_to, *(use.on for use in self.uses)}

    def cut_to(self, loops: Collection[str]) -> "Thread | None":
        """What can be drawn of it on these loops."""
        uses = [use for use in self.uses if use.on in loops]
        if self.bound_to not in loops or not uses:
            return None
        return Thread(self.label, self.bound_to, self.bound_at, self.bound, uses)


def threads_of(recording: Recording, tests: Collection[str] | None = None) -> list[Thread]:
    """The threads of a recording; with ``tests``, of the crossings during those only.

    A connection is often seen twice, by its pool's probe and by its driver's: what has the same
    label and crosses at the same places is one thread.
    """
    labels = {record.seq: record.label or "object" for record in recording.objects}
    threads: dict[tuple[int, int | None], Thread] = {}
    for row in recording.crossings:
        if tests is None or row.during in tests:
            # A pool may open a new connection in an old one's place: that is another thread.
            label, bound_at = labels.get(row.seq, "object"), str(row.bound_at or _NO_LINE)
            new = Thread(label, row.bound_to, bound_at, row.bound, [])
            thread = threads.setdefault((row.seq, row.bound), new)
            thread.uses.append(Use(row.used_on, str(row.at or _NO_LINE), row.tick))
    merged: dict[tuple[Any, ...], Thread] = {}
    for thread in threads.values():
        places = tuple((use.on, use.at) for use in thread.uses)
        merged.setdefault((thread.label, thread.bound_to, thread.bound_at, places), thread)
    return list(merged.values())


def alike(threads: list[Thread]) -> list[list[Thread]]:
    """Threads of one label that bind at one line and cross at the same lines, together."""
    groups: dict[tuple[Any, ...], list[Thread]] = {}
    for thread in threads:
        key = (thread.label, thread.bound_at, tuple(dict.fromkeys(u.at for u in thread.uses)))
        groups.setdefault(key, []).append(thread)
    return list(groups.values())


def draw_threads(
    threads: list[Thread], column: Mapping[int, int], room: int, signs: Mapping[str, str]
) -> list[str]:
    """Threads that are alike, as rows of ``room`` columns; those that do not touch share one."""
    rows: list[list[str]] = []
    for thread in threads:
        ends = [column[use.tick] for use in thread.uses]
        start = column.get(thread.bound, 0) if thread.bound is not None else 0
        first, last = min(start, *ends), max(start, *ends)
        row = next((cells for cells in rows if not "".join(cells[first : last + 1]).strip()), None)
        if row is None:
            row = [" "] * room
            rows.append(row)
        row[first : last + 1] = signs["thread"] * (last + 1 - first)
        row[start] = signs["bound"]
        for end in ends:
            row[end] = signs["crossed"]
    return ["".join(row) for row in rows]


def legend(threads: list[Thread], signs: Mapping[str, str]) -> list[str]:
    """Where threads that are alike bind and cross, in words."""
    bound_to = ", ".join(dict.fromkeys(thread.bound_to for thread in threads))
    lines = [f"{signs['bound']} bound to {bound_to} at {threads[0].bound_at}"]
    places: dict[str, list[str]] = {}
    for thread in threads:
        for use in thread.uses:
            places.setdefault(use.at, []).append(use.on)
    for at, loops in list(places.items())[:3]:
        lines.append(f"{signs['crossed']} used on {', '.join(dict.fromkeys(loops))} at {at}")
    if len(places) > 3:
        lines.append(f"{signs['crossed']} and at {len(places) - 3} lines more")
    return lines
