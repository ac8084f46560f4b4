"""pytest-asyncio's options: which there are, and what to make of those of a project. Pure but for
reading pytest's own objects."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from whichloop.audit import Test, on_other_loops, plan
from whichloop.diagnose.case import Case, made
from whichloop.diagnose.codes import HALF_SET, UNKNOWN
from whichloop.records import FIXTURE_SCOPE, TEST_SCOPE, Cure, Foreseen, Settings, Site

_SCOPES = ("function", "class", "module", "package", "session")
# Since which version, and the values that they may have.
_OPTIONS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "asyncio_mode": ((0, 17), ("auto", "strict")),
    FIXTURE_SCOPE: ((0, 24), (*_SCOPES, "fixture-scope")),
    TEST_SCOPE: ((0, 26), _SCOPES),
    "asyncio_debug": ((1, 2), ()),
}
# With these it starts, whatever a configuration file says.
NEUTRAL = {"asyncio_mode": "strict", FIXTURE_SCOPE: "function", TEST_SCOPE: "function"}
_SET = re.compile(rf'({FIXTURE_SCOPE}|{TEST_SCOPE}) = "?([\w-]+)"?')
Options = Mapping[str, str]


def repaired(options: Options, settings: Settings) -> tuple[dict[str, str | None], list[str]]:
    """What to change in names and values that this pytest-asyncio does not know (None: a line that
    is to go), and what is wrong with them. Raises ValueError if it is not clear what is meant."""
    called, version = f"pytest-asyncio {settings.pytest_asyncio}", settings.asyncio_version
    known = [name for name, (since, _) in _OPTIONS.items() if version >= since]
    changes: dict[str, str | None] = {}
    said = []
    names = [name for name in options if name.startswith("asyncio") and settings.pytest_asyncio]
    for name in sorted(names, key=lambda name: name not in _OPTIONS):
        target, value = name, options[name]
        if name not in _OPTIONS:
            target = next(iter(difflib.get_close_matches(name, known, 1)), "")
            changes[name] = None
            said.append(f"{name}: {called} has no such option")
        if target not in known or (target != name and target in {**options, **changes}):
            continue
        values = _OPTIONS[target][1]
        right = _nearest(value, values) if values else value
        if not right:
            meant = f"{called} knows {', '.join(values)} for {target}"
            raise ValueError(f"{name} = {value} is unknown; {meant}")
        if right != value:
            said.append(f"{name} = {value}: {called} has no such value")
        if right != value or target != name:
            changes[target] = right
    return changes, said


def half_set(options: Options, settings: Settings) -> dict[str, str]:
    """The option that is missing beside the one that moves only fixtures or only tests, with the
    value of that one; nothing if both are set, or neither, or the one moves none."""
    fixture, test = options.get(FIXTURE_SCOPE), options.get(TEST_SCOPE)
    known = settings.pytest_asyncio and settings.asyncio_version >= _OPTIONS[FIXTURE_SCOPE][0]
    if not known or (fixture and test):
        return {}
    missing = {TEST_SCOPE: fixture, FIXTURE_SCOPE: test}
    return {name: scope for name, scope in missing.items() if scope in _SCOPES[1:]}


def unknown(
    options: Options, settings: Settings, places: Mapping[str, Site | None]
) -> list[Foreseen]:
    """A note for each option that this pytest-asyncio does not know, or whose value it does not."""
    notes = []
    for name, value in options.items() if settings.pytest_asyncio else ():
        try:
            texts = repaired({name: value}, settings)[1]
        except ValueError as error:
            texts = [str(error)]
        if name in _OPTIONS and settings.asyncio_version < _OPTIONS[name][0]:
            called = f"pytest-asyncio {settings.pytest_asyncio}"
            texts = [f"{name}: {called} has no such option, {_since(name)} has"]
        notes += [Foreseen(*UNKNOWN, text, places.get(name), sure=False) for text in texts]
    return notes


def foresee_half(
    options: Options, settings: Settings, places: Mapping[str, Site | None], tests: Iterable[Test]
) -> Iterator[Foreseen]:
    """A note where an option is missing, and tests and their fixtures are on different loops for
    that alone."""
    for missing, scope in half_set(options, settings).items():
        if missing == TEST_SCOPE:
            given, moves = FIXTURE_SCOPE, "fixtures, and not the tests that use them"
            both = settings._replace(test_loop_scope=scope)
        else:
            given, moves = TEST_SCOPE, "tests, and not the fixtures that they use"
            both = settings._replace(fixture_loop_scope=scope)
        text = f"{given} = {scope} moves {moves}: {missing} is not set"
        if settings.asyncio_version < _OPTIONS[missing][0]:
            text += f", and is an option from pytest-asyncio {_since(missing)} on only"
        apart: list[Any] = [test.item for test in tests if on_other_loops(test)]
        moved = tuple(test.nodeid for test in plan(apart, both) if not on_other_loops(test))
        if moved:
            yield Foreseen(*HALF_SET, text, places.get(given), sure=False, tests=moved)


def _since(option: str) -> str:
    return ".".join(map(str, _OPTIONS[option][0]))


def _nearest(value: str, values: tuple[str, ...]) -> str:
    """The value that is meant, "" if that is not clear."""
    word = (value.split() or [""])[0].strip(",;\"'").lower()
    if "auto" in values and word in _SCOPES:
        return "auto"  # a loop scope has options of its own
    return value if value in values else next(iter(difflib.get_close_matches(word, values, 1)), "")


def overrides(changes: Mapping[str, str | None], options: Options, settings: Settings) -> Options:
    """Options for a command line that do what the changes would do in the file with ``options``."""
    given = {name: value for name, value in changes.items() if value is not None}
    if None in changes.values():  # an unknown name, which is in the file still, ends a strict run
        given["addopts"] = re.sub(r"--strict(-config)?(?![\w-])", "", options.get("addopts", ""))
        if not (settings.pytest or "").startswith(("7.", "8.")):
            given["strict_config"] = "false"
    return given


def options_in(cure: Cure) -> dict[str, str]:
    """The options that are all of a cure; none if it changes code as well."""
    rest = _SET.sub("", cure.change).replace(" and ", "")
    return {} if rest else dict(_SET.findall(cure.change))


def in_force(settings: Settings) -> dict[str, str | None]:
    return {FIXTURE_SCOPE: settings.fixture_loop_scope, TEST_SCOPE: settings.test_loop_scope}


def candidates(options: Options, settings: Settings, trouble: bool) -> list[dict[str, str]]:
    """Changes that leave fixtures and tests on loops of one scope, the smallest first. Without
    trouble only one that moves no test, where these alone are on loops of another scope."""
    fixture, test = settings.fixture_loop_scope, settings.test_loop_scope or "function"
    case = Case(settings, seen=False)
    cures = made(["fixtures-to-tests"], {"narrow": test}, case)
    if trouble:
        one_loop = made(["one-loop"], {}, case)
        cures = *one_loop, *made(["one-loop-tests"], {"scope": fixture or test}, case), *cures
    elif FIXTURE_SCOPE not in half_set(options, settings):
        return []
    now, changes = in_force(settings), []
    for wanted in map(options_in, cures):
        change = {name: scope for name, scope in wanted.items() if now[name] != scope}
        after = now | change
        if change and after[FIXTURE_SCOPE] == after[TEST_SCOPE] and change not in changes:
            changes.append(change)
    return sorted(changes, key=len)
