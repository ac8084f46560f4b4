"""What was seen, as plain values: nothing here keeps a loop, a driver object or a frame alive.

Named tuples and no frozen dataclasses: every run of pytest imports them, and makes one or two for
each test.
"""

import functools
import re
from typing import NamedTuple

FIXTURE_SCOPE = "asyncio_default_fixture_loop_scope"
TEST_SCOPE = "asyncio_default_test_loop_scope"
HUNG = "hang"  # in place of a message's id: there was none, the test only waited
# The name of a fixture that pytest makes of a setup_method, a setUpClass or the like.
XUNIT = re.compile(r"_(?:xunit|unittest)_(\w+?)_fixture_(.+)")


class Actor(NamedTuple):
    """Who did something. ``kind`` is fixture, test, import, code or unknown, ``name`` that of the
    fixture, module or function, or the test's node id. Fixtures have both scopes; ``cache`` is the
    name of the ``functools`` cache that the value went through, ``own_loop`` tells that a fixture's
    loop scope stands in its decorator, where no option changes it."""

    kind: str
    name: str
    caching_scope: str | None = None
    loop_scope: str | None = None
    cache: str | None = None
    own_loop: bool = False

    @property
    def is_xunit(self) -> bool:
        """Is it a fixture that pytest makes of a ``setup_method`` or one like it?"""
        return self.kind == "fixture" and XUNIT.match(self.name) is not None

    def __str__(self) -> str:
        words = {"unknown": "not known", "import": f"import of {self.name}"}
        if self.is_xunit:
            return XUNIT.sub(r"\1 of \2", self.name)
        return words.get(self.kind, f"{self.kind} {self.name}")


NOBODY = Actor("unknown", "")


@functools.cache
def _numbers(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else (99,)


class Settings(NamedTuple):
    """Versions and loop scopes in force; ``None`` where pytest or the option is not there, or it is
    not known. ``pytest_asyncio`` is "" where pytest runs without that plugin.

    ``ini`` is the configuration file in force, as it is shown ("" if there is none, None if that is
    not known), and ``fixture_scope_line`` and ``test_scope_line`` where in it the options stand.
    """

    python: str = ""
    pytest: str | None = None
    pytest_asyncio: str | None = None
    asyncio_mode: str | None = None
    fixture_loop_scope: str | None = None
    test_loop_scope: str | None = None
    ini: str | None = None
    fixture_scope_line: int | None = None
    test_scope_line: int | None = None

    @property
    def asyncio_version(self) -> tuple[int, ...]:
        """pytest-asyncio's: ``"1.5.0"`` → ``(1, 5, 0)``; an unknown one counts as the newest."""
        return _numbers(self.pytest_asyncio or "")

    def in_its_file(self, change: str) -> tuple[str, str]:
        """A change as the configuration file in force would have it, and where in that file;
        without an option that is in force already."""
        change = change.replace(f"{FIXTURE_SCOPE} = {self.fixture_loop_scope} and ", "")
        change = change.removesuffix(f" and {TEST_SCOPE} = {self.test_loop_scope}")
        lines = {FIXTURE_SCOPE: self.fixture_scope_line, TEST_SCOPE: self.test_scope_line}
        options = [option for option in lines if option in change]
        if not options or self.ini is None:
            return change, ""
        place = " (in a new pytest.ini, below [pytest])"
        if self.ini.endswith(".toml"):
            change = re.sub(rf"({FIXTURE_SCOPE}|{TEST_SCOPE}) = (\w+)", r'\1 = "\2"', change)
        places = ", ".join(f"line {lines[option]}" for option in options if lines[option])
        if self.ini:
            place = f" (in {self.ini}{f', {places}' if places else ''})"
        option, _, more = change.partition(" and in conftest.py")
        return (f"{option}{place} and in conftest.py{more}", "") if more else (change, place)


class Site(NamedTuple):
    """A line of code: ``file`` as it is shown, ``line`` from 1, ``function`` around it."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Foreseen(NamedTuple):
    """What the audit sees before anything runs. Only what is ``sure`` makes it fail; the rest are
    notes. ``site`` is None where no line is known, ``tests`` the node ids that it is about;
    ``likely`` is a note of what is certain once a function that they use is called."""

    code: str
    name: str
    text: str
    site: Site | None = None
    sure: bool = True
    tests: tuple[str, ...] = ()
    likely: bool = False


class LoopRecord(NamedTuple):
    """One event loop. ``id`` is A, B, C … in order of birth; ``born`` and ``closed`` are ticks;
    ``runner`` says what made it (see ``observe.loops``), ``scope`` is its pytest loop scope where
    it has one, ``opened_by`` who asked for it, ``thread`` the thread that ran it, ``factory`` the
    name of pytest-asyncio's loop factory that made it ("" without one)."""

    id: str
    kind: str
    runner: str
    scope: str | None
    thread: str
    opened_by: Actor
    opened_at: Site | None
    born: int
    closed: int | None = None
    closed_by: Actor | None = None
    factory: str = ""

    @property
    def owner(self) -> str:
        """Whose loop it is, in a few words that do not change from run to run."""
        by, where = self.opened_by, f" at {self.opened_at}" if self.opened_at else ""
        who = f" ({by})" if by.kind != "unknown" else ""
        scoped = f"{self.scope} loop" if self.scope else "loop made inside pytest-asyncio"
        if self.scope == "function" and by.name:
            scoped = f"function loop of {by.name}"
        elif self.factory:
            scoped += f" of factory {self.factory}"
        thread = f"loop of thread {self.thread}, " if self.thread != "MainThread" else ""
        words = {
            "pytest-asyncio": scoped,
            "anyio": f"anyio plugin's loop{who}",
            "unittest": f"IsolatedAsyncioTestCase loop of {by.name}",
            "TestClient": f"TestClient portal{where}",
            "new_event_loop": f"{thread}new_event_loop{where}",
            "asyncio.run": f"{thread}asyncio.run{where}",
            "unknown": "owner not known",
        }
        return words.get(self.runner, f"{self.runner}{where}")


class ObjectRecord(NamedTuple):
    """One loop-bound object. ``built_*`` is its construction, ``bound_*`` its first use;
    ``left_by`` the test that last used it on another loop, ``left_on``, and may have left it
    half-way. ``inside`` is the line of a package's own code that built it, ``theirs`` is True where
    such code keeps it. Of an object that ``way`` leads to from the one named, ``inner`` says what
    it is."""

    seq: int
    driver: str
    label: str
    type: str
    built_at: Site | None = None
    built_by: Actor = NOBODY
    bound_to: str | None = None
    bound_at: Site | None = None
    bound_by: Actor = NOBODY
    kept_by: str | None = None
    part_of: str | None = None
    closed: bool = False
    born: int = 0
    bound: int | None = None
    left_by: str | None = None
    left_on: str | None = None
    inside: Site | None = None
    theirs: bool = False
    way: str = ""
    inner: str = ""


class Crossing(NamedTuple):
    """The object ``seq``, bound to one loop and used on another."""

    seq: int
    bound_to: str
    used_on: str
    at: Site | None
    by: Actor
    during: str
    tick: int
    bound_at: Site | None = None
    bound: int | None = None


class Frame(NamedTuple):
    """One line of a traceback; ``user`` tells the suite's own code from libraries, ``plain`` a
    function that cannot await."""

    site: Site
    user: bool
    plain: bool = False


class Wait(NamedTuple):
    """What a test waited for in vain: the object, the loop of what would wake it, the suite's line,
    and how that has stopped, as a clause."""

    obj: ObjectRecord
    loop: str
    line: Site
    how: str


class Failure(NamedTuple):
    """An exception as text: type and message of the one raised, then of its causes. ``running`` is
    the loop that still ran in this thread when the exception had left everything, ``test_scope``
    the loop scope that pytest-asyncio gives the test (None: not known, or it gives none),
    ``fixture`` the one whose code the exception passed through. For each of the chain ``lines``
    has the suite's own line nearest to it, or None, and ``called`` (empty if that was not asked)
    the object whose method that line called; ``at`` is the line of the one that counts.
    ``wait`` is what a hang waited for."""

    chain: tuple[tuple[str, str], ...]
    frames: tuple[Frame, ...] = ()
    during: str = ""
    phase: str = ""
    used_on: str | None = None
    running: str | None = None
    test_scope: str | None = None
    fixture: Actor = NOBODY
    lines: tuple[Site | None, ...] = ()
    called: tuple[ObjectRecord | None, ...] = ()
    at: Site | None = None
    wait: Wait | None = None

    @property
    def by(self) -> Actor:
        """Whose failure it is; what a fixture defines and its test calls is the test's."""
        if self.fixture.kind == "fixture" and self.phase != "call":
            return self.fixture
        return Actor("test", self.during) if self.during else NOBODY

    @property
    def crossing_line(self) -> Site | None:
        """The suite's own line nearest to the error."""
        return self.at or next((f.site for f in reversed(self.frames) if f.user), None)

    def saying(self, text: str) -> "Failure":
        """The same with words that stood beside the exception in a log, if there were any."""
        if not text:
            return self
        chain, called = (*self.chain, ("", text)), self.called and (*self.called, None)
        return self._replace(chain=chain, lines=(*self.lines, None), called=called)


class Ran(NamedTuple):
    """A fixture or a test that ran on a loop, from ``tick`` on."""

    kind: str
    name: str
    loop: str
    tick: int
    caching_scope: str | None = None
    loop_scope: str | None = None
    outcome: str | None = None


class Cure(NamedTuple):
    """One piece of advice: ``id`` in the cures' table, the sentence, the change to make; ``remedy``
    is its number in the repository that whichloop comes from; ``place`` the file of the user's that
    the change is for, with its line, in brackets. ``tried`` is False where no suite of the zoo was
    cured by this change with the same driver, runner and versions."""

    id: str
    text: str
    change: str
    remedy: int | None = None
    link: str | None = None
    place: str = ""
    tried: bool = True


class Finding(NamedTuple):
    """The explanation of one failure or one silent crossing; ``cause`` is the name of a Cause."""

    cause: str
    sentence: str
    sure: str
    message: str | None
    during: str
    phase: str
    object: ObjectRecord | None = None
    bound_loop: LoopRecord | None = None
    using_loop: LoopRecord | None = None
    used_by: Actor = NOBODY
    crossing_line: Site | None = None
    cures: tuple[Cure, ...] = ()
    headline: str = ""
    code: str = ""


class Recording(NamedTuple):
    """What was seen in one process."""

    loops: tuple[LoopRecord, ...] = ()
    objects: tuple[ObjectRecord, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    ran: tuple[Ran, ...] = ()
    settings: Settings = Settings()
    findings: tuple[Finding, ...] = ()

    def loop(self, name: str | None) -> LoopRecord | None:
        """The loop called ``name``, or None."""
        return next((loop for loop in self.loops if loop.id == name), None)
