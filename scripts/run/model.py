"""What `run.json` and `recording.json` hold of one run of a side: what happened, and what whichloop
saw of its loops. The recorder and whichloop write it, everything else reads it."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from scripts.verdict.words import Kind, Outcome

# A test that was repeated on more loops than this would fill the picture.
MAX_LOOPS = 3
FAILING = ("failed", "error")


class Model(BaseModel):
    """A part of run.json. A key that is not known is passed over: a later version may have more."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Failure(Model):
    """Why a test did not pass; `at` is the line of ours nearest to it, "suite/test_jobs.py:22"."""

    type: str
    message: str
    kind: Kind
    driver: str | None
    at: str | None = None


class Test(Model):
    """What happened to one test: `phase` is where its outcome was decided, `loop` what it ran on.

    `reruns` counts the runs before the last one that failed.
    """

    nodeid: str
    group: str
    outcome: Outcome = "passed"
    phase: Literal["setup", "call", "teardown"] = "call"
    duration_s: float = 0.0
    loop: str | None = None
    reruns: int = 0
    error: Failure | None = None

    __test__ = False  # pytest must not collect it for its name

    @property
    def kind(self) -> Kind | None:
        return self.error.kind if self.error else None

    @property
    def driver(self) -> str | None:
        """The driver whose object failed, where that is known."""
        return self.error.driver if self.error else None


def by_nodeid(tests: object) -> object:
    if not isinstance(tests, list):
        return tests
    return {test.nodeid: test for test in map(Test.model_validate, tests)}


Tests = Annotated[
    dict[str, Test],
    BeforeValidator(by_nodeid),
    PlainSerializer(lambda tests: list(tests.values())),
]


class ServerVersion(Model):
    """A server by the names that it gave; its URL may hold a password, and is not kept."""

    product: str
    version: str

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


class ConnectionCounts(Model):
    """Connections of a run to one server, by what the server said."""

    opened: int
    peak: int
    left_open: int


def in_words(actor: object) -> object:
    """Who did something, as whichloop records it: "fixture _session_scoped_runner"."""
    return f"{actor['kind']} {actor['name']}" if isinstance(actor, dict) else actor


class Loop(Model):
    """An event loop; `id` is A, B, C … as loops are born."""

    id: str
    scope: str | None
    thread: str | None
    opened_by: Annotated[str | None, BeforeValidator(in_words)]
    closed_by: Annotated[str | None, BeforeValidator(in_words)]


class Fixture(Model):
    """An async fixture that ran, once for each time."""

    name: str
    caching_scope: str | None
    loop_scope: str | None
    loop: str | None


class Connection(Model):
    """A driver's object, the loop that it belongs to, and those that it was used on."""

    driver: str
    opened_on: str | None
    opened_by: str
    used_on: tuple[str, ...]


class Circumstances(Model):
    """What two runs must share for their results to be compared; a missing server is None."""

    backend: str
    servers: dict[str, ServerVersion | None]
    versions: dict[str, str]

    @property
    def place(self) -> str:
        """What the backend is to a comparison: whoever starts the containers, they are the same."""
        return "containers" if self.backend in ("testcontainers", "compose") else self.backend


class Record(Model):
    """What a side's own pytest writes down: `asyncio` has pytest-asyncio's options, as they were in
    force, `logged_errors` counts log records by their text.
    """

    versions: dict[str, str]
    exit_code: int
    started_at: str = ""
    duration_s: float = 0.0
    asyncio: dict[str, str | None] | None = None
    counts: dict[str, ConnectionCounts] = {}
    logged_errors: dict[str, int] = {}
    collection_errors: tuple[str, ...] = ()
    tests: Tests


class LoopsUsed(Model):
    """What whichloop saw; empty if pytest died, or whichloop was switched off."""

    loops: tuple[Loop, ...] = ()
    fixtures: tuple[Fixture, ...] = ()
    connections: tuple[Connection, ...] = ()


class Run(LoopsUsed, Record, Circumstances):
    """The whole of a `run.json`. `side` is the side's id: broken, fix-03, trap-01.

    `stopped` says why the run was ended before its end, `server_gone` that a server was the reason.
    Of a run without any test `first_error` is pytest's first ERROR line, and `last_words` the end
    of its output if it died.
    """

    side: str
    command: str = ""
    stopped: str = ""
    server_gone: bool = False
    first_error: str = Field("", alias="said")
    last_words: str = ""

    @property
    def circumstances(self) -> Circumstances:
        return Circumstances.model_validate(dict(self))

    def to_data(self) -> dict[str, Any]:
        """The content of run.json; what says that nothing went wrong is left out."""
        data = {"side": self.side, "command": self.command, **self.model_dump(by_alias=True)}
        optional = ("stopped", "server_gone", "said", "last_words", "started_at", "asyncio")
        return {name: value for name, value in data.items() if value or name not in optional}


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
