"""A case: an object, its loop, the loop that used it; the cures that fit, cause by cause. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from whichloop.diagnose.cures import ENTRIES, FIXTURES_TOO, LOOP_0_23, WORDS
from whichloop.records import NOBODY, Actor, Cure, LoopRecord, ObjectRecord, Settings

# A driver's object in plain words, and what a line of the driver in a traceback looks like: the one
# nearest to the program first.
DRIVERS = {
    "motor": ("MongoDB client", r"[\\/]motor[\\/]"),
    "sqlalchemy": ("database connection", r"[\\/]sqlalchemy[\\/]"),
    "asyncpg": ("database connection", r"[\\/]asyncpg[\\/]|asyncpg\."),
    "pymongo": ("MongoDB client", r"[\\/]pymongo[\\/]|AsyncMongoClient"),
    "redis": ("Redis connection", r"[\\/]redis[\\/]"),
    "httpx": ("HTTP connection", r"[\\/]httpcore[\\/]|[\\/]httpx[\\/]"),
    "aiohttp": ("HTTP session", r"[\\/]aiohttp[\\/]"),
    "grpc": ("gRPC channel", r"[\\/]grpc[\\/]"),
    "psycopg_pool": ("connection pool", r"[\\/]psycopg_pool[\\/]"),
}
NOUNS = {driver: noun for driver, (noun, _) in DRIVERS.items()}
_WIDER = ("function", "class", "module", "package", "session")
_AWAITED = ("Future", "Task")
# What runs a loop of its own in the middle of a suite.
RUNS = {"asyncio.run", "asyncio.Runner", "new_event_loop"}
_NOTHING = ObjectRecord(0, "", "object", "")


class Case(NamedTuple):
    """An object, the loop it is bound to, the loop that used it (None: not known, or none did).
    ``test_scope`` is the loop scope of the test around it, where that is known."""

    settings: Settings
    obj: ObjectRecord | None = None
    bound: LoopRecord | None = None
    using: LoopRecord | None = None
    used_by: Actor = NOBODY
    test_scope: str | None = None

    @property
    def thing(self) -> ObjectRecord:
        """The object, or an empty record."""
        return self.obj or _NOTHING

    @property
    def runners(self) -> set[str]:
        return {loop.runner for loop in (self.bound, self.using) if loop is not None}

    def noun(self, driver: str | None = None) -> str:
        """The thing in plain words, for readers who do not know asyncio; ``driver`` is that of an
        object that was not seen."""
        thing = self.thing
        if thing.driver == "asyncio":
            return thing.type.rpartition(".")[2].lower() or "object"
        if thing.driver == "asyncpg" and "pool" in thing.label:
            return "connection pool"
        return NOUNS.get(thing.driver or driver or "", thing.label)

    @property
    def keeper(self) -> str:
        """What keeps the object longer than a test; an empty text where that is not known."""
        by = self.thing.built_by
        cache = f"functools cache {by.cache}" if by.cache else ""
        imported = str(by) if by.kind == "import" else ""
        fixture = f"fixture {by.name}, cached for the {by.caching_scope}"
        return self.thing.kept_by or cache or imported or (fixture if _cached_longer(by) else "")

    @property
    def null_pool(self) -> list[str]:
        """The cure for a connection that an engine pools."""
        pooled = self.thing.driver == "sqlalchemy" or self.thing.part_of == "AsyncEngine"
        return ["null-pool"] if pooled else []

    @property
    def elsewhere(self) -> list[str]:
        """What cures in tests that are not pytest-asyncio's."""
        return [*self.null_pool, *(["one-anyio-loop"] if self.anyio else []), "create-inside"]

    @property
    def anyio(self) -> bool:
        """Is it anyio's plugin alone that runs the tests?"""
        return "anyio" in self.runners and "pytest-asyncio" not in self.runners

    @property
    def words(self) -> dict[str, str]:
        """What the causes' sentences say of the case."""
        keeper, bound, using = self.keeper, self.bound, self.using
        return {
            "keeper": f" by {keeper}" if keeper else ", by what is not known,",
            "kept": f"; the object is kept by {keeper}" if keeper else "",
            "end": f" after loop {bound.id} was closed" if bound else "",
            "bound": f"loop {bound.id}" if bound else "its loop",
            "using": f"loop {using.id}" if using else "its loop",
            "bound_scope": _scope_of(bound),
            "using_scope": _scope_of(using),
        }


def _cached_longer(by: Actor) -> bool:
    """Is it a fixture whose value is cached for longer than a test?"""
    return by.kind == "fixture" and by.caching_scope not in (None, "function")


def _scope_of(loop: LoopRecord | None) -> str:
    if loop is None:
        return "a loop that is not known"
    return f"a {loop.scope} loop" if loop.scope else f"the {loop.owner}"


def made(names: Iterable[str], settings: Settings, words: Mapping[str, str]) -> tuple[Cure, ...]:
    """The cures of these names as this pytest-asyncio understands them, without those that it does
    not have: all that are told by its version, where it is not installed."""
    known, version = {**WORDS, **words}, settings.asyncio_version
    if known["scope"] == "session":  # a narrower one would be refused to what is cached for longer
        known |= {"fixtures_too": FIXTURES_TOO, "loop_too": LOOP_0_23}
    cures = []
    for name in names:
        text, change, remedy, link = ENTRIES[name]
        if not isinstance(change, str):
            installed = settings.pytest_asyncio != ""
            words_of = (words for least, words in change.items() if installed and version >= least)
            change = next(words_of, "")
        if change:
            change, place = settings.in_its_file(change.format_map(known))
            cures.append(Cure(name, text.format_map(known), change, remedy, link, place))
    return tuple(cures)


# The names of cures, the most fitting first, and words for them beside those that all have.
Advice = tuple[list[str], dict[str, str]]


class Cause(NamedTuple):
    """``meaning`` is a clause for any object, ``tell`` the sentence for one, with a case's words in
    braces, ``headline`` that for a reader who does not know asyncio, with ``{thing}``.
    ``code`` stays this cause's in every later version."""

    code: str
    name: str
    meaning: str
    headline: str
    advise: Callable[[Case], Advice] = lambda case: ([], {})
    tell: str = "{meaning}."
    about_loops: bool = True

    def sentence(self, case: Case) -> str:
        return self.tell.format(meaning=self.meaning, **case.words)

    def cures(self, case: Case) -> tuple[Cure, ...]:
        names, words = self.advise(case)
        place = {"place": case.keeper} if case.keeper else {}
        words = {"noun": case.noun(), **place, **words}
        # Without pytest-asyncio none of its options is a cure.
        cures = made(names, case.settings, words)
        return cures if cures or not names else made(case.elsewhere, case.settings, words)


def advise_mismatch(case: Case) -> Advice:
    """Which side to move: the tests to the fixture's loop, or the fixture to the test's."""
    settings, fixture = case.settings, case.thing.bound_by
    fixture_side, test_side = case.bound, case.using
    if fixture.kind == case.used_by.kind == "fixture" and case.bound and case.using:
        return _advise_second_fixture(case, case.bound.scope, case.using.scope)
    if fixture.kind != "fixture" and case.used_by.kind == "fixture":
        fixture_side, test_side, fixture = case.using, case.bound, case.used_by
    wide = (fixture_side.scope if fixture_side else None) or "session"
    narrow = (test_side.scope if test_side else None) or "function"
    to_test = "fixture-to-test" if _explicit(fixture, settings) else "fixtures-to-tests"
    names = ["one-loop-tests" if fixture.kind == "fixture" else "one-loop"]
    if settings.test_loop_scope not in (None, narrow):
        names = ["test-mark"]
    if _WIDER.index(wide) < _WIDER.index(narrow):
        names = [to_test]  # the mirror image: the tests' loop lives longer than the fixtures'
    elif fixture_side is None:
        names = ["one-loop", to_test]  # nothing is known but that there are two scopes
    elif fixture.kind == "fixture" and not case.keeper and not _cached_longer(fixture):
        # Cached for longer than a test, a loop per test would be worse, not better.
        names.append(to_test)
    return [*names, *(case.null_pool if case.keeper else [])], {"scope": wide, "narrow": narrow}


def _explicit(fixture: Actor, settings: Settings) -> bool:
    """Has the fixture a loop scope of its own, which no option changes?"""
    return fixture.loop_scope is not None and fixture.loop_scope not in (
        settings.fixture_loop_scope,
        None if settings.fixture_loop_scope else fixture.caching_scope,
    )


def _advise_second_fixture(case: Case, bound: str | None, using: str | None) -> Advice:
    """One fixture uses what another's loop holds. That it is the loop of the test, too, tells which
    of them to move."""
    settings, loop = case.settings, bound or "session"
    test = case.test_scope or settings.test_loop_scope
    mover = case.used_by
    if test not in (bound, None) and test == using and _WIDER.index(loop) < _WIDER.index(test):
        mover, loop = case.thing.bound_by, test
    elif test != bound:
        return ["one-loop"], {}
    # The option moves all fixtures: only where tests that say nothing run on that loop, too.
    own = _explicit(mover, settings) or settings.test_loop_scope != loop
    names = ["fixture-to-test" if own else "fixtures-to-tests"]
    return [*names, *case.null_pool], {"narrow": loop, "fixture": f"fixture {mover.name}"}


def advise_teardown(case: Case) -> Advice:
    """The fixture to the test's loop, or both to one. How the object is kept changes nothing."""
    test, fixture = (loop.scope if loop else None for loop in (case.bound, case.using))
    wider = _WIDER.index(test or "function") < _WIDER.index(fixture or "session")
    return [*(["one-loop"] if wider else []), "fixtures-to-tests"], {"narrow": test or "function"}


def advise_outlives(case: Case) -> Advice:
    by, thing, pool = case.thing.built_by, case.thing, case.null_pool
    dispose = [*pool, "dispose"] if pool else []
    rules = (
        ("unittest" in case.runners, ["async-setup", *pool]),
        (thing.type in _AWAITED, ["own-future"]),
        (case.anyio, [*dispose, "create-inside", "one-anyio-loop"]),
        (case.keeper.startswith("fixture "), ["one-loop", "cache-per-test"]),
        (thing.driver == "asyncio", ["create-inside", "one-loop"]),
        (True, ["one-loop", *(dispose or ["build-inside"])]),
    )
    words = {"fixture": f"fixture {by.name}", "scope": by.caching_scope or "session"}
    return next(names for holds, names in rules if holds), words


def advise_portal(case: Case) -> Advice:
    """A test client in one test keeps one loop; whatever else shares the engine has others."""
    both = case.bound is not None and case.using is not None and len(case.runners) == 1
    names = [*(["with-testclient"] if both else []), "asgi-transport"]
    if both and case.bound and case.using and case.bound.opened_by == case.using.opened_by:
        return [*names, *case.null_pool], {}
    return [*case.null_pool, *names], {}


def advise_running(case: Case) -> Advice:
    """Of another plugin's object; without one, of ``bound``, left running in its thread."""
    if case.obj is not None or case.bound is None:
        return ["one-plugin"], {}
    by = case.bound.opened_by
    if _cached_longer(by) and case.bound.opened_at:
        words = {"fixture": f"fixture {by.name}", "scope": by.caching_scope or "session"}
        words["loop"] = case.bound.id
        return ["end-running", "async-interface"], words
    return ["own-process" if by.kind == "unknown" else "async-interface", "one-driver-of-loops"], {}


def advise_repeated(case: Case) -> Advice:
    runs = [loop for loop in (case.bound, case.using) if loop and loop.runner in RUNS]
    setup = next((loop.opened_by for loop in runs if loop.opened_by.kind == "fixture"), None)
    if case.thing.type in _AWAITED:
        return ["own-future"], {}
    if "unittest" in case.runners:
        return ["async-setup", *case.null_pool], {}
    if setup and (case.test_scope or "anyio" in case.runners):
        return _advise_async_fixture(case, setup)
    apart = setup or len({loop.opened_by for loop in runs}) > 1
    return ["one-runner" if apart else "one-run", "build-per-run", *case.null_pool], {}


def _advise_async_fixture(case: Case, setup: Actor) -> Advice:
    """Of a fixture that runs a loop of its own beside tests that are coroutines."""
    scope = "session" if case.keeper or case.test_scope is None else case.test_scope
    cached = f'scope="{setup.caching_scope}"' if _cached_longer(setup) else ""
    cached = "autouse=True" if setup.is_xunit else cached
    words = {"fixture": str(setup), "scope": scope, "cached_so": cached}
    words["cached"] = f"{cached}, " if cached else ""
    return ["await-in-fixture" if case.test_scope else "await-in-anyios", *case.null_pool], words
