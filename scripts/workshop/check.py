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
from scripts.workshop.manifest import ANSWERS, Exercise, Planned, PointKind, Workshop
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
            yield Point("files", False, f"A file cannot be read: {error}.")
            return
        if trouble:
            yield from trouble
            return
        yield Point("files", True, "The files are whole, and no test was made weaker.")
        unanswered = [key for key, answer in given.items() if not answer]
        if exercise.predict and unanswered:
            done = f"{len(given) - len(unanswered)} of {len(given)} predictions are written"
            says = f"{done} in {ANSWERS}; the tests run when all are. Open: {unanswered[0]}."
            yield Point("answers", None, says)
            return
        ran |= self._ran(exercise, mine)
        for cure in cures:
            yield self._of_cure(cure, ran)
        for planned in exercise.run:
            if planned.given:
                continue
            if planned.name in ran:
                yield from of_run(exercise, planned, ran[planned.name])
            else:
                yield Point("tests", False, f"{planned.select} lists no test to run.")
        for answer in truth.judged(exercise.question, given, ran):
            says = f"{answer.question.id} = {answer.given!r}"
            if not answer.given:
                continue
            if answer.holds:
                yield Point("answers", True, f"{says}: so it is.")
            else:
                plain = {truth.plain(k): v for k, v in answer.question.wrong.items()}
                why = plain.get(truth.plain(answer.given), "the run says otherwise.")
                yield Point("answers", False, f"{says}: {why}")
        if unanswered:
            count = f"{len(unanswered)} of {len(given)} questions are open in {ANSWERS}"
            yield Point("answers", None, f"{count}; the next is {unanswered[0]}.")

    def _of_files(self, exercise: Exercise, mine: Path) -> list[Point]:
        lost = rules.missing(mine, exercise.source)
        if lost:
            says = f"{', '.join(lost)} is missing. `reset` brings it back, and keeps a copy."
            return [Point("files", False, says)]
        texts = self.workshop.file.way_round
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

    def _of_cure(self, cure: rules.Broken, ran: Mapping[str, Ran]) -> Point:
        """A false cure with the run that shows it failing."""
        told = self.workshop.file.false_cure[cure.rule]
        shown = failing_lines(ran.values())
        return Point("cure", False, f"{cure.where}: {told.says}", cure.rule, tuple(shown))


def arguments_of(planned: Planned, mine: Path) -> list[str]:
    """What pytest is told to run; empty if a file selects nothing."""
    folder = (mine / planned.folder).relative_to(ROOT).as_posix()
    if planned.select:
        lines = (mine / planned.select).read_text("utf-8").splitlines()
        nodeids = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
        return [f"{folder}/{nodeid}" for nodeid in nodeids]
    return [*(["-c", f"{folder}/{planned.ini}"] if planned.ini else []), folder]


def failing_lines(ran: Iterable[Ran]) -> list[str]:
    """What a run shows of a false cure: failing tests, and those that passed when rerun."""
    lines = []
    for each in ran:
        for test in each.run.tests.values():
            if test.outcome in FAILING:
                lines.append(f"{test.nodeid} {in_words(test)}")
            elif test.reruns:
                lines.append(f"{test.nodeid} failed {test.reruns} × before it passed")
        findings = {row["headline"]: row["during"] for row in each.recording.get("findings", ())}
        lines += [f"whichloop, {test}: {says}" for says, test in findings.items()]
        if not each.run.tests and each.run.first_error:
            lines.append(each.run.first_error)
    return lines


def in_words(test: Test) -> str:
    """ "failed: attached to a different loop (asyncpg)"."""
    if test.error is None:
        return test.outcome
    words = KINDS[test.error.kind].message if test.error.kind != "other" else test.error.type
    place = "" if test.phase == "call" else f" in {test.phase}"
    return f"failed{place}: {words}" + (f" ({test.driver})" if test.driver else "")


def of_run(exercise: Exercise, planned: Planned, ran: Ran) -> Iterator[Point]:
    """Do its tests end as they must, is whichloop content, are there few enough connections?"""
    run, named = ran.run, f"{planned.name}: " if len(exercise.run) > 1 else ""
    problem = next(iter(run.collection_errors), "") or (run.first_error if not run.tests else "")
    for nodeid, driver in planned.finds.items():
        objects = {
            row["during"]: (row["object"] or {}).get("driver")
            for row in ran.recording.get("findings", ())
        }
        found = objects.get(nodeid)
        says = f"{named}of {nodeid} whichloop names {'nothing' if found is None else found}."
        yield Point("finding", found == driver, says)
    if run.stopped or problem:
        yield Point("tests", False, f"{named}{run.stopped or problem}.")
        return
    if not run.tests:
        yield Point("tests", False, f"{named}pytest ended early: {run.last_words}")
        return
    failing = {t.nodeid: t.kind or "other" for t in run.tests.values() if t.outcome in FAILING}
    lost = [] if planned.select else [test for test in exercise.tests if test not in run.tests]
    skipped = [test.nodeid for test in run.tests.values() if test.outcome == "skipped"]
    for nodeid, end in planned.ends.items():
        test = run.tests.get(nodeid)
        ended = "did not run" if test is None else "failed" if nodeid in failing else "passed"
        says = f"{named}{nodeid} {ended}{'' if ended == end else f', and must have {end}'}."
        yield Point("tests", ended == end, says)
    if planned.ends:
        return
    if lost or skipped:
        did = "did not run" if lost else "was skipped"
        yield Point("tests", False, f"{named}{(lost or skipped)[0]} {did}.", "removed_test")
    elif planned.stays:
        as_it_was = failing == planned.starts
        count = f"{len(failing)} of {len(run.tests)} tests fail"
        says = f"{named}{count}, as they should here: reading is the exercise."
        yield Point("tests", as_it_was, says if as_it_was else f"{named}{count}, and not as given.")
        return
    else:
        passing = len(run.tests) - len(failing)
        says = f"{named}{passing} of {len(run.tests)} tests pass."
        lines = failing_lines([ran])
        yield Point("tests", not failing, says, detail=tuple(lines[:4]))
    findings = ran.recording.get("findings", ())
    quiet = [row for row in findings if row["during"] not in failing]
    if not failing:
        says = "whichloop strict is content: no object was used on another loop than its own."
        if quiet:
            says = "whichloop strict is not content, though the tests pass."
        details = tuple(row["headline"] for row in quiet[:2])
        if not planned.older:
            yield Point("clean", run.exit_code == 0 and not quiet, named + says, detail=details)
    counts = run.counts.get("postgres")
    limits = {"opened": planned.opened, "left_open": planned.left_open}
    for key, limit in limits.items():
        words, seen = key.replace("_", " "), int(getattr(counts, key, 0))
        if limit is not None and not failing:
            says = f"{named}{seen} connections to Postgres {words}; {limit} is the most here."
            yield Point("connections", seen <= limit, says)
