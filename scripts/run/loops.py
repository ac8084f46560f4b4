"""What whichloop recorded of a run, in the form of run.json. Pure: its recording in, fields out."""

from __future__ import annotations

from collections import Counter

from scripts.run.model import Loop, LoopsUsed, Run
from scripts.run.recording import Recording

# A test that was repeated on more loops than this would fill the picture.
MAX_LOOPS = 3
FAILING = ("failed", "error")
DRIVERS = ("motor", "pymongo", "sqlalchemy", "asyncpg", "psycopg", "httpx")


def loops_used(recording: Recording) -> LoopsUsed:
    """The `loops`, `fixtures` and `connections` of run.json."""
    return LoopsUsed(
        loops=tuple(
            Loop(
                id=loop.id,
                scope=loop.scope,
                thread=loop.thread,
                opened_by=str(loop.opened_by) if loop.opened_by else None,
                closed_by=str(loop.closed_by) if loop.closed_by else None,
            )
            for loop in recording.loops
        ),
        fixtures=recording.fixtures,
        connections=tuple(used for used in recording.connections if used.driver in DRIVERS),
    )


def loops_of_tests(recording: Recording) -> dict[str, str]:
    """{node id: the loop its body ran on}; a test's other rows are of its setup and teardown."""
    return {test.name: test.loop for test in recording.tests if test.outcome is not None}


def worth_drawing(recording: Recording, run: Run, broken: Run) -> list[str]:
    """A test of each group for the picture of a run: one that fails here on several loops if there
    is one, else one that failed on broken/. Empty if no test of the run ever failed."""
    times = Counter(test.name for test in recording.tests if test.outcome)
    crossed = {crossing.during for crossing in recording.crossings}
    best: dict[str, tuple[bool, bool, str]] = {}
    for test in run.tests.values():
        before = broken.tests.get(test.nodeid)
        fails = test.outcome in FAILING
        failed = fails or (before is not None and before.outcome in FAILING)
        if failed and times[test.nodeid] <= MAX_LOOPS:
            rank = (test.nodeid not in crossed, not fails, test.nodeid)
            if test.group not in best or rank[:2] < best[test.group][:2]:
                best[test.group] = rank
    return [nodeid for _, _, nodeid in best.values()]
