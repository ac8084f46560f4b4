"""A case: an object, its loop, the loop that used it; the cures that fit, cause by cause. Pure."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from whichloop.diagnose.cures import ENTRIES, FAMILIES, FIXTURES_TOO, LOOP_0_23, SCOPES, WORDS
from whichloop.diagnose.drivers import NOUNS
from whichloop.records import NOBODY, Actor, Cure, LoopRecord, ObjectRecord, Settings

_WIDER = ("function", "class", "module", "package", "session")
_PLUGINS = ("pytest-asyncio", "anyio", "unittest", "pytest-aiohttp")
_AWAITED = ("Future", "Task")
# What runs a loop of its own in the middle of a suite.
RUNS = {"asyncio.run", "asyncio.Runner", "new_event_loop"}
_NOTHING = ObjectRecord(0, "", "object", "")
# What cured a suite of the zoo: by change and driver, what ran it.
_TRIED = cache(lambda: tomllib.loads(Path(__file__).with_name("tried.toml").read_text("utf-8")))


class Case(NamedTuple):
    """An object, the loop it is bound to, the loop that used it (None: not known, or none did).
    ``test_scope`` is the loop scope of the test around it, where that is known. One that was not
    ``seen`` in a run leaves it open what was tried on its like."""

    settings: Settings
    obj: ObjectRecord | None = None
    bound: LoopRecord | None = None
    using: LoopRecord | None = None
    used_by: Actor = NOBODY
    test_scope: str | None = None
    seen: bool = True

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
    def theirs(self) -> bool:
        """Is it kept by a package, so that it is not the reader's to move?"""
        thing = self.thing
        unseen = thing.kept_by is None and thing.built_by.kind == "import"
        return thing.theirs or (unseen and thing.driver == "asyncio" and thing.inside is not None)

    @property
    def null_pool(self) -> list[str]:
        """The cure for a connection that an engine pools."""
        pooled = self.thing.driver == "sqlalchemy" or self.thing.part_of == "AsyncEngine"
        return ["null-pool"] if pooled else []

    @property
    def runner(self) -> str:
        """What runs the tests."""
        plugin = next((plugin for plugin in _PLUGINS if plugin in self.runners), "")
        unseen = not self.runners and self.settings.pytest_asyncio
        return plugin or ("pytest-asyncio" if unseen else "python")

    def tried(self, change: str) -> bool:
        """Did it cure a suite of the zoo, with this driver and runner?"""
        runner, version = self.runner, self.settings.asyncio_version
        if runner == "pytest-asyncio":
            runner += f" {next((name for least, name in FAMILIES if version >= least), '')}"
        on = _TRIED().get(change, {}).get(self.thing.driver or "none", [])
        return not self.seen or runner in on

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


def change_of(name: str, words: Mapping[str, str], version: tuple[int, ...] | None) -> str:
    """What the cure of this name changes, with words of the case in braces; an empty text where
    this pytest-asyncio does not have it, or is not installed (None)."""
    known, change = {**WORDS, **words}, ENTRIES[name].change
    if known["scope"] == "session":  # a narrower one would be refused to what is cached for longer
        known |= {"fixtures_too": FIXTURES_TOO, "loop_too": LOOP_0_23}
    if not isinstance(change, str):
        understood = (text for least, text in change.items() if version and version >= least)
        change = next(understood, "")
    names = {word: f"{{{word}}}" for word in known if word not in SCOPES}
    return change.format_map(known | names)


def made(names: Iterable[str], words: Mapping[str, str], case: Case) -> tuple[Cure, ...]:
    """The cures of these names as this pytest-asyncio understands them, without those that it does
    not have."""
    settings, known = case.settings, {**WORDS, **words}
    cures = []
    for name in names:
        entry = ENTRIES[name]
        version = settings.asyncio_version if settings.pytest_asyncio != "" else None
        pattern = change_of(name, words, version)
        if pattern:
            change, place = settings.in_its_file(pattern.format_map(known))
            text, tried = entry.text.format_map(known), case.tried(pattern)
            cures.append(Cure(name, text, change, entry.remedy, entry.link, place, tried))
    return tuple(cures)


# The names of cures, the most fitting first, and words for them beside those that all have.
Advice = tuple[list[str], dict[str, str]]


class Cause(NamedTuple):
    """``meaning`` is a clause for any object, ``tell`` the sentence for one, with a case's words in
    braces, ``headline`` that for a reader who does not know asyncio, with ``{thing}``.
    ``code`` stays this cause's in every later version. If ``ranked``, its first cure mends more
    than the others; of cures that are worth the same those come first that were tried."""

    code: str
    name: str
    meaning: str
    headline: str
    advise: Callable[[Case], Advice] = lambda case: ([], {})
    tell: str = "{meaning}."
    about_loops: bool = True
    ranked: bool = False

    def sentence(self, case: Case) -> str:
        return self.tell.format(meaning=self.meaning, **case.words)

    def cures(self, case: Case) -> tuple[Cure, ...]:
        names, words = self.advise(case)
        place = {"place": case.keeper} if case.keeper else {}
        words = {"noun": case.noun(), **place, **words}
        # Without pytest-asyncio none of its options is a cure.
        one_loop = ["one-anyio-loop"] if case.runner == "anyio" else []
        elsewhere = [*case.null_pool, *one_loop, "create-inside"] if names else []
        cures = made(names, words, case) or made(elsewhere, words, case)
        return cures if self.ranked else tuple(sorted(cures, key=lambda cure: not cure.tried))


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
    to_test = _to_test(fixture)
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


def _to_test(fixture: Actor) -> str:
    """The cure that moves a fixture: no option does where its decorator says on which loop."""
    return "fixture-to-test" if fixture.own_loop else "fixtures-to-tests"


def _advise_second_fixture(case: Case, bound: str | None, using: str | None) -> Advice:
    """One fixture uses what another's loop holds. That it is the loop of the test, too, tells which
    of them to move."""
    settings, loop = case.settings, bound or "session"
    test = case.test_scope or settings.test_loop_scope
    mover = case.used_by
    if test not in (bound, None) and test == using and _WIDER.index(loop) < _WIDER.index(test):
        mover, loop = case.thing.bound_by, test
    elif test != bound and not mover.own_loop:
        return ["one-loop"], {}
    # The option moves all fixtures: only where tests that say nothing run on that loop, too.
    name = _to_test(mover) if settings.test_loop_scope == loop else "fixture-to-test"
    words = {"narrow": loop, "fixture": f"fixture {mover.name}"}
    if test != loop:
        words["whose"] = f"the loop of fixture {case.thing.bound_by.name}"
    return [name, *case.null_pool], words


def advise_teardown(case: Case) -> Advice:
    """The fixture to the test's loop, or both to one. How the object is kept changes nothing."""
    test, fixture = (loop.scope if loop else None for loop in (case.bound, case.using))
    wider = _WIDER.index(test or "function") < _WIDER.index(fixture or "session")
    by, words = case.used_by, {"narrow": test or "function"}
    to_test = [] if wider and _cached_longer(by) else [_to_test(by)]
    return [*(["one-loop"] if wider else []), *to_test], words


def advise_outlives(case: Case) -> Advice:
    thing, pool = case.thing, case.null_pool
    dispose = [*pool, "dispose"] if pool else []
    # What an option moves: no fixture, and no test, that says on which loop it runs.
    own = (by for by in (case.used_by, thing.bound_by) if by.own_loop)
    one_loop = [] if any(by.loop_scope != "session" for by in own) else ["one-loop"]
    if "unittest" in case.runners:
        one_loop = []
    elif case.test_scope not in (None, case.settings.test_loop_scope):
        one_loop = ["test-mark"] if case.used_by.kind == thing.bound_by.kind == "test" else []
    theirs = ["one-anyio-loop"] if case.runner == "anyio" else one_loop
    rules = (
        (case.theirs, [*theirs, *(["replace-theirs"] if thing.driver == "asyncio" else pool)]),
        ("unittest" in case.runners, ["async-setup", *pool]),
        (thing.type in _AWAITED, ["own-future"]),
        (case.runner == "anyio", [*dispose, "create-inside", "one-anyio-loop"]),
        (case.keeper.startswith("fixture "), ["one-loop", "cache-per-test"]),
        (thing.driver == "asyncio", ["create-inside", *one_loop]),
        (True, [*one_loop, *(dispose or ["build-inside"])]),
    )
    by = thing.built_by
    words = {"fixture": f"fixture {by.name}", "scope": by.caching_scope or "session"}
    words |= {"path": case.keeper.rpartition(" ")[2], "kind": thing.type.rpartition(".")[2]}
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
    # Where one line opens both, whoever calls it, the runner is best kept there.
    same = len(runs) > 1 and runs[0].opened_at == runs[1].opened_at is not None
    runner = "kept-runner" if same else "one-runner"
    return [runner if apart else "one-run", "build-per-run", *case.null_pool], {}


def _advise_async_fixture(case: Case, setup: Actor) -> Advice:
    """Of a fixture that runs a loop of its own beside tests that are coroutines."""
    scope = "session" if case.keeper or case.test_scope is None else case.test_scope
    cached = f'scope="{setup.caching_scope}"' if _cached_longer(setup) else ""
    cached = "autouse=True" if setup.is_xunit else cached
    words = {"fixture": str(setup), "scope": scope, "cached_so": cached}
    words["cached"] = f"{cached}, " if cached else ""
    return ["await-in-fixture" if case.test_scope else "await-in-anyios", *case.null_pool], words
