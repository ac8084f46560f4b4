"""What a picture of a recording shows, as text and as SVG: lanes, threads, what is folded. Pure."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from whichloop.present.threads import Thread, threads_of
from whichloop.records import LoopRecord, Ran, Recording

# A lane with more fixtures and tests than this names those of a thread's ends.
MAX_NAMES = 3
# Of loops that did the same, two are drawn: one to see it, one to see that it repeats.
DRAWN_OF_A_KIND = 2
# A picture that does not fit a screen is no picture; `--all` draws it nevertheless.
MAX_LANES = 24

NO_LOOP = "no event loop was seen"
NO_CROSSING = "no object was used on another loop than its own"

Tests = Collection[str] | None  # node ids; None for all


class Lane(NamedTuple):
    """A loop; the fixtures and tests on it to name, and how many more there were; the ticks at
    which a thread began or ended on it, with the names of their signs."""

    loop: LoopRecord
    rows: list[Ran]
    unnamed: int
    ends: list[tuple[int, str]]


class Picture(NamedTuple):
    """One process's loops: the lanes to draw, a line for each kind of the others, the threads
    between the lanes, the ticks at which something drawn happened, in order, and whether any
    object crossed at all."""

    lanes: list[Lane]
    folds: list[str]
    threads: list[Thread]
    ticks: list[int]
    crossed: bool


def pictures_of(
    recordings: Sequence[Recording], tests: Tests = None, every: bool = False
) -> list[Picture]:
    """A picture for each process. Of loops that did the same two are drawn, with ``every`` all,
    with ``tests`` only theirs and those of what they used."""
    # The process that started pytest-xdist's workers ran nothing itself.
    drawn = [part for part in recordings if part.loops] or recordings[:1]
    return [_picture(part, tests, every) for part in drawn]


def _picture(recording: Recording, tests: Tests, every: bool) -> Picture:
    # A test's clean-up on a fixture's loop has no outcome: it is no test that ran there.
    ran = [row for row in recording.ran if row.kind == "fixture" or row.outcome is not None]
    ran.sort(key=lambda row: row.tick)
    threads = threads_of(recording, tests)
    drawn, folds = _fold(recording.loops, ran, threads, tests)
    if every:
        drawn, folds = [loop.id for loop in recording.loops], []
    cut = [thread.cut_to(drawn) for thread in threads if thread.bound_to in drawn]
    threads = [thread for thread in cut if thread.uses]
    lanes = [_lane(loop, ran, threads, tests) for loop in recording.loops if loop.id in drawn]
    ticks = {tick for lane in lanes for tick, _ in lane.ends}
    for lane in lanes:
        ticks.add(lane.loop.born)
        if lane.loop.closed is not None:
            ticks.add(lane.loop.closed)
        if len(lane.rows) > 1 or lane.unnamed:
            ticks.update(row.tick for row in lane.rows)
    return Picture(lanes, folds, threads, sorted(ticks), bool(recording.crossings))


def short(row: Ran) -> str:
    """The name of a fixture or test as a lane shows it: without its file and class."""
    name, bracket, parameters = row.name.partition("[")
    return name.rpartition("::")[2] + bracket + parameters


def kind_of(loop: LoopRecord) -> str:
    """A loop in two words: its scope, or what runs it."""
    made_by = f" ({loop.factory})" if loop.factory else ""
    return f"{loop.scope} loop{made_by}" if loop.scope else loop.runner


def _loops(count: int) -> str:
    return f"{count} more loop{'' if count == 1 else 's'}"


def _deeds(
    loops: Sequence[LoopRecord], ran: list[Ran], threads: list[Thread]
) -> dict[str, list[str]]:
    """What happened on each loop, in words that are equal for loops that did the same."""
    deeds: dict[str, dict[str, None]] = defaultdict(dict)
    for thread in threads:
        a_thread = f"{'an' if thread.label[0] in 'aeiou' else 'a'} {thread.label}"
        deeds[thread.bound_to][f"left {a_thread} to another loop"] = None
        for loop in thread.used_on:
            deeds[loop][f"used {a_thread} of another loop"] = None
    tests: dict[str, set[str]] = defaultdict(set)
    for row in ran:
        if row.kind == "test":
            tests[row.loop].add(row.name)
    quiet = {0: "ran no test", 1: "with one test that used nothing of another loop"}
    many = "with tests that used nothing of another loop"
    return {loop.id: [*deeds[loop.id]] or [quiet.get(len(tests[loop.id]), many)] for loop in loops}


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
    deeds_of = _deeds(loops, ran, threads)
    for loop in loops:
        groups[kind_of(loop), *deeds_of[loop.id]].append(loop.id)
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


def _lane(loop: LoopRecord, ran: list[Ran], threads: list[Thread], tests: Tests) -> Lane:
    ends = [end for thread in threads for end in thread.ends(loop.id)]
    rows = [row for row in ran if row.loop == loop.id]
    keep = rows
    if len(rows) > MAX_NAMES:
        keep = [row for row in rows if tests is not None and row.name in tests]
        for tick, _ in ends:
            keep += [row for row in rows if row.tick <= tick][-1:]
    named = [row for row in rows if row in (keep or rows[:MAX_NAMES])]
    return Lane(loop, named, len(rows) - len(named), ends)
