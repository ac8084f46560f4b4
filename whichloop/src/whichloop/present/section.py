"""A finding as the lines of a report, and all of a session's by their causes. Pure."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from whichloop.records import HUNG, Actor, Cure, Finding, LoopRecord, ObjectRecord, Site

WIDTH = 80
# Below the first a hanging indent leaves no room; beyond the second a line is hard to read.
NARROWEST, WIDEST = 40, 100
NAMED_TESTS = 3


def under(head: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """The texts as rows, of which the first has the head."""
    return [("" if at else head, text) for at, text in enumerate(texts)]


def lines_of(rows: Iterable[tuple[str, str]], width: int = WIDTH) -> list[str]:
    """Each text beside its head, with a hanging indent; a row without a text has no line."""
    lines = []
    for head, text in rows:
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=f"{head:<7}",
            subsequent_indent=" " * 7,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _at(site: Site | None) -> str:
    return str(site or "a line not known")


def describe(loop: LoopRecord | None) -> str:
    if loop is None:
        return "a loop that is not known"
    article = "the " if "loop" in loop.owner.split(" of ")[0].split()[-1:] else ""
    return f"loop {loop.id}, {article}{loop.owner}"


def life(loop: LoopRecord) -> str:
    opener = loop.opened_by if loop.opened_by.name else "what is not known"
    at = f" at {loop.opened_at}" if loop.opened_at else ""
    thread = "" if loop.thread == "MainThread" else f" in thread {loop.thread}"
    closer = loop.closed_by if loop.closed_by and loop.closed_by.name else None
    end = f"closed during {closer}" if closer else "closed since"
    if loop.closed is None:
        end = "still open"
    elif closer == loop.opened_by:
        end = "closed at its end"
    return f"loop {loop.id} was opened by {opener}{at}{thread}; {end}"


def _let(obj: ObjectRecord | None, loop: LoopRecord | None, hung: bool = False) -> list[str]:
    """Who built the object and what keeps it; what it bound to, and the life of that loop. With
    ``hung`` that is the loop of what would wake a wait for it."""
    lived = [life(loop)] if loop is not None else []
    if obj is None:
        return lived
    builder = obj.built_by
    built = "built where whichloop did not see it"
    if obj.built_at is not None or builder.kind != "unknown":
        runs = f"loop scope {builder.loop_scope}" if builder.loop_scope else "not async"
        cached = builder.caching_scope or "not known"
        scopes = f" (caching scope {cached}, {runs})" if builder.kind == "fixture" else ""
        owner = "the engine" if obj.part_of == "AsyncEngine" else "its owner"
        what = f"{owner} built" if obj.part_of else "built"
        built = f"{what} at {_at(obj.built_at)} by {builder}{scopes}"
    keeper = obj.kept_by or (f"functools cache {builder.cache}" if builder.cache else "")
    kept = f", kept by {keeper}" if keeper else ""
    first_use = "at a line not known"
    if obj.bound_at is not None or obj.bound_by.kind != "unknown":
        by = "" if obj.bound_by == builder else f" by {obj.bound_by}"
        first_use = f"at its first use, {_at(obj.bound_at)}{by}"
    if obj.inside is not None and obj.built_at is not None:
        built = f"built at {obj.inside}, reached from {obj.built_at} by {builder}"
    rows = [f"{_thing(obj)}, {built}{kept}"]
    if obj.way:
        built = f", {built}" if obj.built_at is not None else ""
        of = f" of {builder}{scopes}" if builder.kind == "fixture" else ""
        rows = [f"{_thing(obj)}{of}{kept}", f"by way of {obj.way}, {obj.inner}{built}"]
    bound = f"it bound to {describe(loop)}, {first_use}"
    return [*rows, f"what wakes it is on {describe(loop)}" if hung else bound, *lived]


def _thing(obj: ObjectRecord) -> str:
    """ "pooled connection asyncpg.Connection of an AsyncEngine"."""
    article = "an " if obj.part_of == "AsyncEngine" else ""
    of = f" of {article}{obj.part_of}" if obj.part_of else ""
    plain = obj.label == f"{obj.driver} {obj.type.rpartition('.')[2]}" and obj.driver != "asyncio"
    return f"{obj.type if plain else f'{obj.label} {obj.type}'}{of}"


def _then(finding: Finding) -> str:
    """What ran on the other loop, and where; an empty text where nothing is known of it."""
    obj, using, line = finding.object, finding.using_loop, finding.crossing_line
    who = str(finding.used_by) if finding.used_by.kind != "unknown" else finding.during
    if finding.phase == "teardown" and finding.used_by.kind in ("fixture", "test"):
        who = f"the teardown of {who}"
    if using is not None:
        own = using.scope == "function" and finding.during and finding.during in using.owner
        where = f"loop {using.id}, its own function loop" if own else describe(using)
        does = ", and used it" if obj is not None else "; the error came"
        does = ", and waited" if finding.message == HUNG else does
        more = "" if own and using.closed is None else f" ({life(using)})"
        return f"{who or 'what ran'} ran on {where}{does} at {_at(line)}{more}"
    if line is not None:
        return f"the error came at {line}"
    if obj is None and finding.bound_loop is not None:
        return f"{who or 'what followed'} was to run on another loop, and could not start"
    return ""


def render(finding: Finding, width: int = WIDTH, cures: Iterable[str] = ()) -> str:
    """The section of one finding: headline, Let, Then, So, Cure. ``cures`` are its cures in words,
    if they are to be other words than their own."""
    rows = lines_of(rows_of(finding, cures), width)
    return "\n".join([*textwrap.wrap(finding.headline, width), *rows])


def rows_of(finding: Finding, cures: Iterable[str] = ()) -> list[tuple[str, str]]:
    """What is below the headline: heads with texts, either of which may be empty."""
    advice = list(cures) or in_words(finding.cures)
    return [
        *under("Let", _let(finding.object, finding.bound_loop, finding.message == HUNG)),
        ("Then", _then(finding)),
        ("So", f"{finding.cause}: {finding.sentence}"),
        ("", f"({finding.sure})" if finding.sure != "sure" else ""),
        *under("Cure", advice or ["not known: no advice is better than a guess"]),
        ("See", next((cure.link for cure in finding.cures if cure.link), "")),
    ]


def in_words(cures: Iterable[Cure], more: Callable[[Cure], str] = lambda cure: "") -> list[str]:
    """Cures as sentences, every alternative with its "or"; ``more`` stands at the end of each."""
    return [
        f"{'or ' if at else ''}{cure.text}: {cure.change}{cure.place}{more(cure)}"
        f"{'' if cure.tried else '; not tried on your version'}"
        for at, cure in enumerate(cures)
    ]


class Group(NamedTuple):
    """The findings of one cause, in the order of their failures; the first is the example."""

    number: int
    findings: list[Finding]

    @property
    def tests(self) -> list[str]:
        """The node ids of the tests that failed, each once."""
        return list(dict.fromkeys(finding.during for finding in self.findings if finding.during))


class Groups:
    """Findings as they come in, by cause."""

    def __init__(self) -> None:
        self._by_key: dict[object, Group] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, finding: Finding) -> Group:
        """The group of this finding, with it in."""
        group = self._by_key.setdefault(key(finding), Group(len(self) + 1, []))
        group.findings.append(finding)
        return group

    @property
    def failures(self) -> int:
        """How many failures all groups explain."""
        return sum(len(group.findings) for group in self)

    def cured_by(self, cures: Iterable[Cure]) -> dict[Cure, int]:
        """How many failures, of whatever cause, have these very cures among theirs."""
        others = [
            {_change(cure) for cure in found.cures} for group in self for found in group.findings
        ]
        return {cure: sum(_change(cure) in changes for changes in others) for cure in cures}

    def advice(self, group: Group) -> list[str]:
        """The cures of a group in words, those that take most failures away first."""
        counts = self.cured_by(group.findings[0].cures)
        share = {cure: f" ({count} of {self.failures} failures)" for cure, count in counts.items()}
        ranked = sorted(counts, key=lambda cure: -counts[cure])
        return in_words(ranked, share.__getitem__ if len(self) > 1 else lambda cure: "")


def key(finding: Finding) -> object:
    """What findings of one cause have in common: no test's name, no loop's letter.

    Two causes that look alike, such as two engines built at two lines, differ in it.
    """
    obj = finding.object
    thing = obj and (obj.driver, obj.label, obj.type, obj.part_of, obj.kept_by)
    place = obj.built_at if obj and not obj.way else None  # of the thing, and of no inner part
    builder = obj and _actor(obj.built_by)
    loops = _loop(finding.bound_loop), _loop(finding.using_loop)
    cures = tuple(map(_change, finding.cures))
    message = finding.message if obj is None else ""
    # Nothing but its line tells a failure without object and loop from another.
    line = finding.crossing_line if obj is None and not loops[0] else None
    told = finding.headline, message, line
    return finding.code, told, thing, place, builder, _actor(finding.used_by), loops, cures


def _change(cure: Cure) -> tuple[str, str]:
    return cure.id, cure.change


def _actor(actor: Actor) -> tuple[str, str]:
    """A fixture or an import by its name; of tests it does not matter which."""
    return actor.kind, "" if actor.kind == "test" else actor.name


def _loop(loop: LoopRecord | None) -> tuple[object, ...]:
    """A loop by its kind; one that no test opened by its place, too."""
    if loop is None:
        return ()
    place = None if loop.opened_by.kind == "test" else loop.opened_at
    return loop.runner, loop.scope, place


def one_line(finding: Finding, number: int) -> str:
    """What stands under a failure, whose cause is told at the end of the run."""
    what = f": {_thing(finding.object)}" if finding.object is not None else ""
    return f"whichloop: cause {number} ({finding.code}), {finding.cause}{what}"


def title(groups: Groups) -> str:
    """ "whichloop: 2 causes behind 46 failures"."""
    return f"whichloop: {_many(len(groups), 'cause')} behind {_many(groups.failures, 'failure')}"


def told(group: Group, groups: Groups, width: int) -> list[str]:
    """A cause, told of its first failure, with the cures that take most failures away first."""
    example = group.findings[0]
    head = lines_of([(f"{group.number}.", named(group))], width) if groups.failures > 1 else []
    last = f"More   whichloop explain {example.code}"
    return [*head, *render(example, width, groups.advice(group)).splitlines(), last]


def named(group: Group) -> str:
    """ "WL003, 5 failures: test_a.py::test_1, test_a.py::test_2, test_a.py::test_3 and 2 more"."""
    tests = group.tests
    more = f" and {len(tests) - NAMED_TESTS} more" if len(tests) > NAMED_TESTS else ""
    failures = _many(len(group.findings), "failure")
    return f"{group.findings[0].code}, {failures}: {', '.join(tests[:NAMED_TESTS])}{more}"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
