"""One check of one exercise: rules, then its pytest runs, then answers, as a list of points."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scripts.errors import ServerGone
from scripts.paths import RESULTS, ROOT
from scripts.run.model import FAILING, Test
from scripts.run.side import run_folder
from scripts.servers.client import Guardian
from scripts.verdict.words import KINDS
from scripts.workshop import older, rules, state, truth
from scripts.workshop.manifest import (
    ANSWERS,
    Exercise,
    Planned,
    PointKind,
    Question,
    Workshop,
)
from scripts.workshop.truth import Ran

# An exercise's tests take a second or two; this is for one that waits for ever.
LIMIT_S = 60.0


class Point(NamedTuple):
    """One line of a check's list. `holds` is None where nothing can be said yet; `rule` names the
    way round or false cure, `detail` what the run shows of it."""

    kind: PointKind
    holds: bool | None
    says: str
    rule: str = ""
    detail: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """The points of a check, and the runs by the names of the manifest."""

    points: tuple[Point, ...]
    ran: Mapping[str, Ran]

    @property
    def passed(self) -> bool:
        return all(point.holds for point in self.points)


@dataclass
class Checker:
    """Checks exercises on the guardian's servers; results go to `results/<where>/…`. What was run
    once is not run again while nothing that it rests on has changed."""

    workshop: Workshop
    guardian: Guardian
    on_line: Callable[[str], None] = lambda line: None
    where: str = "workshop"
    kept: dict[str, Ran] = field(default_factory=dict)

    def check(self, exercise: Exercise, mine: Path) -> Verdict:
        """Check the folder `mine` as the solution of an exercise. Raises ServerGone."""
        ran: dict[str, Ran] = {}
        return Verdict(tuple(self._points(exercise, mine, ran)), ran)

    def _points(self, exercise: Exercise, mine: Path, ran: dict[str, Ran]) -> Iterator[Point]:
        try:
            trouble = self._of_files(exercise, mine)
            given = {} if trouble else truth.given_answers(mine, exercise.question)
            cures = [] if trouble else list(rules.false_cures(mine, exercise.source))
        except rules.Unreadable as error:
            trouble = [Point("files", False, f"A file cannot be read: {error}.")]
        if trouble:
            yield from trouble
            return
        yield Point("files", True, "The files are whole, and no test was made weaker.")
        unanswered = [key for key, answer in given.items() if not answer]
        still = f"{len(unanswered)} of {len(given)} answers are missing in {ANSWERS}; the next is"
        if exercise.predict and unanswered:
            says = f"{still} {unanswered[0]}. The tests run when all are there."
            yield Point("answers", None, says)
            return
        ran |= self._ran(exercise, mine)
        for cure in cures:
            told = self.workshop.false_cure[cure.rule]
            says = f"{cure.where}: {told.says} See {told.see}."
            yield Point("cure", False, says, cure.rule, tuple(shown_by(ran.values())))
        for planned in exercise.run:
            if planned.name not in ran:
                yield Point("tests", False, f"{planned.select} lists no test to run.")
            elif not planned.given:
                yield from of_run(exercise, planned, ran[planned.name])
        for question in exercise.question:
            if given[question.id]:
                yield of_answer(question, given[question.id], ran)
        if unanswered:
            yield Point("answers", None, f"{still} {unanswered[0]}.")

    def _of_files(self, exercise: Exercise, mine: Path) -> list[Point]:
        lost = rules.missing(mine, exercise.source)
        if lost:
            says = f"{', '.join(lost)} is missing. `reset` brings it back, and keeps a copy."
            return [Point("files", False, says)]
        texts = self.workshop.way_round
        return [
            Point("files", False, f"{broken.where}: {texts[broken.rule].says}", broken.rule)
            for broken in rules.ways_round(mine, exercise.source, exercise.edit)
        ]

    def _ran(self, exercise: Exercise, mine: Path) -> dict[str, Ran]:
        kept, ran = self.kept, {}
        self.kept = {}  # only the newest: a recording may be large
        for planned in exercise.run:
            folder = exercise.source if planned.given else mine
            key = f"{planned.name} {state.rests_on(folder, [ANSWERS])}"
            arguments = arguments_of(planned, folder)
            if arguments:
                result = kept.get(key) or self.run(planned, folder, arguments)
                ran[planned.name] = self.kept[key] = result
        return ran

    def run(self, planned: Planned, mine: Path, arguments: Iterable[str]) -> Ran:
        """One pytest run. Raises ServerGone if a server died under it."""
        name = f"{self.where}/{mine.name.lstrip('.')}/{planned.name}"
        python = older.python() if planned.older else sys.executable
        project = (mine / planned.folder).relative_to(ROOT).as_posix()
        options = [*arguments, *([] if planned.older else ["--whichloop=strict"])]
        path = str(mine) if planned.importable else ""
        run = run_folder(project, name, self.on_line, self.guardian, options, python, LIMIT_S, path)
        if run.server_gone:
            raise ServerGone(run.stopped)
        output = (RESULTS / name / "output.txt").read_text("utf-8")
        return Ran(run, json.loads((RESULTS / name / "recording.json").read_text("utf-8")), output)


def arguments_of(planned: Planned, mine: Path) -> list[str]:
    """What pytest is told to run; empty if a file selects nothing."""
    folder = (mine / planned.folder).relative_to(ROOT).as_posix()
    if planned.select:
        lines = (mine / planned.select).read_text("utf-8").splitlines()
        nodeids = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
        return [f"{folder}/{nodeid}" for nodeid in nodeids]
    return [*(["-c", f"{folder}/{planned.ini}"] if planned.ini else []), folder]


def shown_by(ran: Iterable[Ran]) -> Iterator[str]:
    """What runs show of what is wrong: tests that failed, or passed only when rerun, and what
    whichloop says."""
    for attempt in ran:
        for test in attempt.run.tests.values():
            if test.outcome in FAILING:
                yield f"{test.nodeid} {in_words(test)}"
            elif test.reruns:
                yield f"{test.nodeid} failed {test.reruns} × before it passed"
        for says in {row["headline"]: None for row in attempt.findings}:
            yield f"whichloop: {says}"
        if not attempt.run.tests and attempt.run.first_error:
            yield attempt.run.first_error


def in_words(test: Test) -> str:
    """ "failed: attached to a different loop (asyncpg)"."""
    if test.error is None:
        return test.outcome
    words = KINDS[test.error.kind].message if test.error.kind != "other" else test.error.type
    place = "" if test.phase == "call" else f" in {test.phase}"
    return f"failed{place}: {words}" + (f" ({test.driver})" if test.driver else "")


def of_answer(question: Question, given: str, ran: Mapping[str, Ran]) -> Point:
    right = question.right or truth.truth_of(question.truth or "", ran)
    if truth.same(given, right):
        return Point("answers", True, f"{question.id} = {given!r}: so it is.")
    wrong = {truth.plain(answer): says for answer, says in question.wrong.items()}
    why = wrong.get(truth.plain(given), "the run says otherwise.")
    return Point("answers", False, f"{question.id} = {given!r}: {why}")


def of_run(exercise: Exercise, planned: Planned, ran: Ran) -> Iterator[Point]:
    """Do its tests end as they must, is whichloop content, are there few enough connections?"""
    run, named = ran.run, f"{planned.name}: " if len(exercise.run) > 1 else ""
    failing = {t.nodeid: t.kind or "other" for t in run.tests.values() if t.outcome in FAILING}
    problem = run.stopped or next(iter(run.collection_errors), "")
    if not run.tests:
        problem = problem or run.first_error or f"pytest ended early: {run.last_words}"
    wanted = planned.ends if planned.select else dict.fromkeys(exercise.tests, "")
    for test in wanted:
        if test not in run.tests or run.tests[test].outcome == "skipped":
            problem = problem or f"{test} did not run"
    if problem:
        yield Point("tests", False, f"{named}{problem}.", "removed_test")
        return
    for test, driver in planned.finds.items():
        named_by = {row["during"]: (row["object"] or {}).get("driver") for row in ran.findings}
        says = f"{named}whichloop names {named_by.get(test) or 'nothing'} behind {test}."
        yield Point("finding", named_by.get(test) == driver, says)
    for test, end in planned.ends.items():
        ended = "failed" if test in failing else "passed"
        says = f"{named}{test} {ended}{'' if ended == end else f', and must have {end}'}."
        yield Point("tests", ended == end, says)
    if planned.stays:
        says = f"{named}{len(failing)} of {len(run.tests)} tests fail"
        kept = failing == planned.starts
        yield Point("tests", kept, f"{says}, {'as they should here' if kept else 'not as given'}.")
    if planned.stays or planned.ends:
        return
    passing = f"{named}{len(run.tests) - len(failing)} of {len(run.tests)} tests pass."
    yield Point("tests", not failing, passing, detail=tuple(shown_by([ran])) if failing else ())
    if failing:
        return
    if not planned.older:
        clean = run.exit_code == 0 and not ran.findings
        says = f"{named}whichloop strict is {'' if clean else 'not '}content with every object."
        yield Point("clean", clean, says, detail=tuple(shown_by([ran])))
    counts = run.counts.get("postgres")
    if planned.left_open is not None and not (counts and counts.opened):
        yield Point("connections", False, f"{named}nothing asked Postgres any more.")
    for words, limit in (("opened", planned.opened), ("left open", planned.left_open)):
        if limit is not None and counts:
            count = counts.opened if words == "opened" else counts.left_open
            says = f"{named}connections to Postgres {words}: {count}, and {limit} at most here."
            yield Point("connections", count <= limit, says)
