"""What the learner sees: the task, a check's list, messages, lanes, hints and explanations."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.recording import RecordingError, of_json

from scripts.run.model import FAILING
from scripts.views import terminal
from scripts.views.run import MAX_WIDTH, MIN_WIDTH, shortened
from scripts.workshop import rules, state
from scripts.workshop.check import Verdict
from scripts.workshop.manifest import Exercise, Workshop
from scripts.workshop.state import Progress
from scripts.workshop.truth import Ran

SIGNS = {True: "✓", False: "✗", None: "·"}
PLAIN_SIGNS = {True: "ok", False: "no", None: "--"}
# whichloop's section in pytest's output, from its title to the next one.
SECTION = re.compile(r"^-+ whichloop: .*?(?=^(?:=+ |whichloop: recording))", re.M | re.S)
COMMANDS = "Type check, hint, why, list, next, skip, goto N, reset, solution or quit, then Enter."
# At most so many lines of what a run shows, and characters of a message.
MAX_DETAILS, MAX_MESSAGE = 4, 1200


def task(workshop: Workshop, exercise: Exercise) -> None:
    """Where the learner is, and what is to be done."""
    count = len(workshop.exercise)
    terminal.line()
    title = f"Exercise {exercise.number} of {count}: {exercise.title}"
    terminal.prose(f"{title} (about {exercise.minutes} minutes)", "bold")
    paragraphs(exercise.task)
    folder = state.shown(state.folder_of(exercise))
    terminal.prose(f"Your copy: {folder}/. Yours to change there: {', '.join(exercise.edit)}.")


def paragraphs(text: str) -> None:
    """Text of the manifest, whose lines are broken anew; an empty line parts paragraphs."""
    for paragraph in text.strip().split("\n\n"):
        terminal.prose(" ".join(paragraph.split()))


def verdict(exercise: Exercise, result: Verdict, before: Mapping[str, Any]) -> None:
    """What the runs show; and last, so that it stays in view, what holds and what does not."""
    if not result.passed:
        for planned in exercise.run:
            if planned.name in result.ran and not planned.given:
                name = planned.name if len(result.ran) > 1 else ""
                show_run(exercise, name, result.ran[planned.name])
    after = next((ran.recording for ran in result.ran.values()), {})
    if result.ran and "lanes" in exercise.shows:
        changed = bool(before) and before != after
        if changed:
            lanes("Before", before)
        lanes("After" if changed and result.passed else "The loops of this run", after)
    terminal.line()
    signs = PLAIN_SIGNS if needs_ascii(terminal.console.encoding) else SIGNS
    for number, point in enumerate(result.points, 1):
        style = {True: "green", False: "red", None: "yellow"}[point.holds]
        terminal.prose(f"{number:>3}. {signs[point.holds]} {point.says}", style)
        for line in point.detail[:MAX_DETAILS]:
            terminal.prose(f"       {line}")
        if len(point.detail) > MAX_DETAILS:
            terminal.prose(f"       and {len(point.detail) - MAX_DETAILS} more")


def show_run(exercise: Exercise, name: str, ran: Ran) -> None:
    """The messages of what failed, and whichloop's section."""
    failed = [test for test in ran.run.tests.values() if test.outcome in FAILING and test.error]
    if "section" in exercise.shows:
        failed = failed[:1]  # whichloop tells the rest
    for test in failed if "message" in exercise.shows else ():
        terminal.line()
        terminal.prose(test.nodeid, "bold")
        if test.error:
            words = shortened(f"{test.error.type}: {test.error.message}")
            terminal.prose(f"  {words[:MAX_MESSAGE]}", "red")
    section = SECTION.search(ran.output) if "section" in exercise.shows else None
    if section:
        terminal.line()
        if name:
            terminal.prose(f"Run {name}:", "bold")
        terminal.line(section[0].rstrip())


def lanes(title: str, document: Mapping[str, Any]) -> None:
    """A recording as a picture, if the terminal has the room for one."""
    width = min(terminal.console.width, MAX_WIDTH)
    try:
        recordings = of_json(dict(document))
    except RecordingError:
        return
    if width < MIN_WIDTH or not document.get("loops"):
        return
    terminal.line()
    terminal.prose(f"{title}:", "bold")
    for line in draw_lanes(recordings, width=width, ascii=needs_ascii(terminal.console.encoding)):
        terminal.line(line)


def passed(exercise: Exercise, following: Exercise | None) -> None:
    """What was learned, and what follows."""
    terminal.line()
    terminal.prose(f"Exercise {exercise.number} is solved.", "bold green")
    learned(exercise)
    last = "list, or whichloop on a suite of your own: that was the last one"
    terminal.prose(f"Next: {f'next ({following.title})' if following else last}")


def learned(exercise: Exercise) -> None:
    terminal.prose(f"Learned: {exercise.learned}")
    terminal.prose(f"Commonly believed: {exercise.believed}")
    terminal.prose(f"Where it stands: {' · '.join(exercise.see)}")


def why(exercise: Exercise) -> None:
    terminal.prose(f"The idea: {exercise.idea}")
    terminal.prose(f"Why it does not pass yet: {exercise.why}")


def hint(exercise: Exercise, level: int) -> None:
    """A hint of level 1 to 3; the third is the patch from what the learner has to the solution."""
    if level < 3:
        terminal.prose(f"Hint {level} of 3: {exercise.hints[level - 1]}")
        terminal.prose(f"Next: hint ({'nearer' if level == 1 else 'the patch itself'})")
        return
    terminal.prose("Hint 3 of 3, the patch from your files to the solution:")
    solution(exercise)


def solution(exercise: Exercise) -> None:
    folder = state.folder_of(exercise)
    text = patch(exercise, folder if folder.exists() else None)
    for line in text.splitlines() or ["(your files are as in the solution)"]:
        terminal.line(line, {"+": "green", "-": "red"}.get(line[:1], ""))
    terminal.prose(f"The whole solution: {state.shown(exercise.solution)}/")


def patch(exercise: Exercise, mine: Path | None = None) -> str:
    """What leads from a folder (the unsolved exercise's by default) to the solution."""
    source = mine or exercise.source
    shown = state.shown(state.folder_of(exercise))
    parts: list[str] = []
    for name in sorted(rules.names_of(source) | rules.names_of(exercise.solution)):
        sides = [(root / name) for root in (source, exercise.solution)]
        before, after = (
            path.read_text("utf-8", "replace").splitlines(keepends=True) if path.exists() else []
            for path in sides
        )
        old, new = (
            f"{side}/{shown}/{name}" if path.exists() else "/dev/null"
            for side, path in zip("ab", sides, strict=True)
        )
        parts += difflib.unified_diff(before, after, old, new, n=2)
    return "".join(parts)


def listing(workshop: Workshop, progress: Progress) -> None:
    """Every exercise, by lesson, with what is done."""
    for lesson in workshop.lesson:
        terminal.prose(lesson.title, "bold")
        for number in lesson.exercises:
            exercise = workshop.get(str(number))
            here = ">" if number == progress.current else " "
            fast = "*" if number in workshop.fast else " "
            done = progress.of(exercise).state.removeprefix("open")
            text = f"{here} {number:>2}{fast} {exercise.title}, {exercise.minutes} min"
            terminal.prose(f"{text}{f': {done}' if done else ''}", "green" if done else "")
    terminal.prose("* is on the fast track (--fast). Next: goto N, or next")
