"""What of the project's an object on the wrong loop belongs to: the outermost thing that the
failing code called and that leads to it, and what keeps that."""

from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any, NamedTuple

from whichloop.observe import peek, ways
from whichloop.observe.frames import entered, is_user_file, locals_of
from whichloop.observe.loops import LiveLoop
from whichloop.observe.ways import Step
from whichloop.records import Actor, ObjectRecord

MAX_WAY = 80  # letters
MAX_OF_FRAME = 3_000
MAX_OWNED = 3
# An inner part of whatever waits; and what only runs the code.
_WAITS = ("Task", "Future")
_RUNS = "Runner"
# Gives the values of a test's fixtures, each with the fixture.
Values = Callable[[], Iterable[tuple[Actor, Any]]]


class Seen(NamedTuple):
    """A loop-bound object that was met, with its loop (None: it is not bound yet)."""

    record: ObjectRecord
    loop: LiveLoop | None
    value: Any


Look = Callable[[Iterable[Any]], Iterator[Seen]]


def called_at(
    error: BaseException, objects_in: Look, passed: list[FrameType], fixtures: Values
) -> ObjectRecord | None:
    """The object that the suite's code called when an error came."""
    obj = entered(error)
    if obj is None:
        return None
    module, kind = peek.class_of(obj)
    driver = module.partition(".")[0]
    plain = ObjectRecord(-1, driver, f"{driver} {kind}", kind)
    seen = next(objects_in([obj]), None)
    return owned(seen, [], passed, fixtures) if seen is not None else plain


def met(
    passed: list[FrameType], used_on: str | None, objects_in: Look, fixtures: Values
) -> list[Seen]:
    """The loop-bound objects that a failure is about: those among the values of its frames that
    belong to another loop than ``used_on``, or else what these lead to, or else any."""
    seen = [one for one in objects_in(locals_of(passed)) if one.record.type != _RUNS]
    # What another loop used before comes first; a driver's object is worth more than a task, one
    # that has a loop more than one without.
    seen.sort(key=lambda s: (s.record.left_by is None, s.record.type in _WAITS, s.loop is None))

    def is_wrong(one: Seen) -> bool:
        return one.record.bound_to not in (None, used_on)

    def leads(value: Any) -> bool:
        found = [one for one in objects_in([value]) if is_wrong(one)]
        return bool(found) and found[0].record.type not in _WAITS

    wrong = [one for one in seen if is_wrong(one)]
    if used_on is not None and not wrong:
        steps = (ways.find(ways.of_frame(frame), leads, MAX_OF_FRAME) for frame in _own(passed))
        step = next(filter(None, steps), None)
        wrong = list(objects_in([step.value])) if step is not None else []
    first, rest = (wrong or seen[:1])[:MAX_OWNED], wrong[MAX_OWNED:]
    return [one._replace(record=owned(one, [], passed, fixtures)) for one in first] + rest


def _own(passed: list[FrameType]) -> list[FrameType]:
    return [frame for frame in passed if is_user_file(frame.f_code.co_filename)]


def owned(
    seen: Seen, parents: list[Any], passed: list[FrameType], fixtures: Values
) -> ObjectRecord:
    """The record of what was met, with what keeps it, or one of its ``parents``. That of no known
    driver gets the name of the outermost object that leads to it."""
    record, scope = seen.record, seen.loop.record.scope if seen.loop else None
    targets = [seen.value, *parents]
    if record.kept_by is not None or record.way:
        return record
    known = record.driver != "asyncio" and record.seq >= 0
    packages = ways.called(passed) if known or record.inside or record.seq < 0 else set()
    kinds = [peek.class_of(target)[0] for target in targets]
    packages |= {ways.package_of(kind) for kind in kinds} - {""}
    step = _first_way(targets, [] if known else passed, fixtures)
    if step is None:
        return record
    way = step.way
    of = [ways.package_of(peek.class_of(step.value)[0]) for step in way]
    at = next((at for at, package in enumerate(of) if package in packages), len(way) - 1)
    outer, root = way[at], way[0]
    if root.fixture is not None:
        record = _of_fixture(record, root.fixture, scope)
    elif outer.kind:
        # Of a package's instance the name that it has there, and not that under which it came.
        module = peek.class_of(root.value)[0] if at and of[0] else ""
        home = next(ways.names_of(root.value, module), "") if module else ""
        path = home + str(outer).removeprefix(root.name) if home else str(outer)
        theirs = bool(home or ways.package_of(root.module))
        record = record._replace(kept_by=f"{outer.kind} {path}", theirs=theirs)
    return record if known else _named(record, outer.value, way[at + 1 :])


def _of_fixture(record: ObjectRecord, by: Actor, scope: str | None) -> ObjectRecord:
    if by.caching_scope not in (None, "function"):
        record = record._replace(kept_by=f"fixture {by.name}, cached for the {by.caching_scope}")
    if record.built_by.kind == "unknown":
        record = record._replace(built_by=by)
    if record.bound_by.kind == "unknown" and by.loop_scope == scope is not None:
        record = record._replace(bound_by=by)
    return record


def _named(record: ObjectRecord, outer: Any, inner: list[Step]) -> ObjectRecord:
    module, kind = peek.class_of(outer)
    package = ways.package_of(module)
    if not package:
        return record
    way = "".join(step.name for step in inner)
    driver = package.rpartition(".")[2]
    way = way if len(way) <= MAX_WAY else f"{inner[0].name} … {inner[-1].name}"
    return record._replace(
        driver=driver,
        label=f"{driver} {kind}",
        type=next(ways.names_of(type(outer), module), f"{module}.{kind}"),
        way=way,
        inner=record.label if inner else "",
    )


def _first_way(targets: list[Any], passed: list[FrameType], fixtures: Values) -> Step | None:
    """From what lives longest: the project's modules, fixtures, others' modules; then variables of
    the suite's code, and of others'."""
    ids = set(map(id, targets))

    def wanted(value: Any) -> bool:
        return id(value) in ids

    values = (Step(value, fixture=by) for by, value in fixtures())
    step = ways.find(ways.of_modules(), wanted) or ways.find(values, wanted)
    if step is None:
        among = ways.holders(targets)
        step = ways.find(ways.of_modules(among), wanted, among=among)
    own = _own(passed)
    for frame in [*own, *(frame for frame in passed if frame not in own)]:
        step = step or ways.find(ways.of_frame(frame), wanted, MAX_OF_FRAME)
    return step
