"""What whichloop recorded of a run: which loops there were, and what ran and was used on them."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from scripts.run.model import LoopsUsed, Model, Run

# A test that was repeated on more loops than this would fill the picture.
MAX_LOOPS = 3
FAILING = ("failed", "error")
DRIVERS = ("motor", "pymongo", "sqlalchemy", "asyncpg", "psycopg", "httpx")


class RecordedTest(Model):
    """A test on a loop; `outcome` is None where it was only set up or torn down there."""

    name: str
    loop: str
    outcome: str | None


class Crossing(Model):
    """The use of an object on a loop that is not its own, `during` the test of that node id."""

    during: str


class Recording(LoopsUsed):
    """A recording; `document` is the whole of it, for whichloop's own picture."""

    tests: tuple[RecordedTest, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    document: Mapping[str, Any] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """The recording in a file; an empty one if there is none, or it is damaged."""
        try:
            document = json.loads(path.read_text("utf-8"))
            return cls.model_validate({**document, "document": document})
        except (OSError, ValueError, TypeError):
            return cls()

    def loops_used(self) -> LoopsUsed:
        used = tuple(used for used in self.connections if used.driver in DRIVERS)
        return LoopsUsed(loops=self.loops, fixtures=self.fixtures, connections=used)

    def loops_of_tests(self) -> dict[str, str]:
        """{node id: the loop its body ran on}."""
        return {test.name: test.loop for test in self.tests if test.outcome is not None}

    def worth_drawing(self, run: Run, broken: Run) -> list[str]:
        """A test of each group for the picture of a run: one that fails here on several loops if
        there is one, else one that failed on broken/. Empty if no test of the run ever failed."""
        times = Counter(test.name for test in self.tests if test.outcome)
        crossed = {crossing.during for crossing in self.crossings}
        best: dict[str, tuple[bool, bool, str]] = {}
        for test in run.tests.values():
            before = broken.tests.get(test.nodeid, test)
            fails = test.outcome in FAILING
            if (fails or before.outcome in FAILING) and times[test.nodeid] <= MAX_LOOPS:
                rank = (test.nodeid not in crossed, not fails, test.nodeid)
                if test.group not in best or rank[:2] < best[test.group][:2]:
                    best[test.group] = rank
        return [nodeid for _, _, nodeid in best.values()]
