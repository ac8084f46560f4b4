"""What workshop/workshop.toml says: lessons, exercises, their runs, questions and hints."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scripts.errors import CommandError, ManifestError
from scripts.paths import ROOT
from scripts.sides.schema import Names, Table, Text, read
from scripts.verdict.words import Kind

FILE = "workshop/workshop.toml"
EXERCISES, SOLUTIONS = "workshop/exercises", "workshop/solutions"
ANSWERS = "answers.toml"
# What a check looks at, in the order of its list.
PointKind = Literal["files", "cure", "tests", "clean", "connections", "finding", "answers"]
# What a question's truth may be read off: see truth.py.
Reading = Annotated[str, Field(pattern=r"^[a-z_]+( \S.*)?$")]


class Question(Table):
    """One key of the learner's answers.toml, with dots for its tables.

    `truth` says how the right answer is read off the run; `right` is the answer itself, only for a
    judgement that no run can give. `wrong` maps a plausible answer to what is said of it.
    """

    id: Text
    truth: Reading | None = None
    right: str = ""
    choices: tuple[str, ...] = ()
    wrong: dict[str, Text] = Field(min_length=1)

    @model_validator(mode="after")
    def one_source(self) -> "Question":
        if (self.truth is None) == (self.right == ""):
            raise ValueError("either truth or right must be there, and not both")
        return self


class Planned(Table):
    """One pytest run of a check: of a folder inside the exercise's, with an ini file of its own or
    with the tests that the file `select` lists, beside the older pytest-asyncio if it is `older`;
    of the exercise as it was `given`, for questions that its cure would leave without an answer.

    `starts` has the tests that fail before anything is solved, and their kind. In the end all must
    pass; if it `stays`, fail as they did; of a selection only those in `ends` count, and end so.
    `opened` and `left_open` are how many connections to Postgres are allowed at most; `finds` is
    whose object whichloop must name behind the failure of a test. With `importable` the folder is
    on Python's path from the start, for what is found by its entry point.
    """

    name: str = "run"
    folder: str = ""
    ini: str = ""
    select: str = ""
    older: bool = False
    starts: dict[str, Kind] = Field(default_factory=dict)
    given: bool = False
    stays: bool = False
    ends: dict[str, Literal["passed", "failed"]] = Field(default_factory=dict)
    opened: int | None = None
    left_open: int | None = None
    finds: dict[str, Text] = Field(default_factory=dict)
    importable: bool = False


class Edit(Table):
    """`old` becomes `new` in a file of the exercise; without `old` the file is `new`."""

    file: Text
    old: str = ""
    new: str


class Attempt(Table):
    """A false cure as somebody would write it here, for `make check-workshop`. `from_solution`: it
    is made in the solved exercise."""

    id: Text
    from_solution: bool = False
    edit: tuple[Edit, ...] = Field(min_length=1)


class Exercise(Table):
    """One exercise; its folder's name begins with its number.

    `unmet` are the points that do not hold before it is solved, `why` says the reason. Files that
    match `edit` are the learner's to change. With `predict` the tests run only when every question
    is answered. `shows` is what of a run is shown: all of it would give some answers away.
    """

    name: Annotated[str, Field(pattern=r"^\d\d_[a-z0-9_]+$")]
    title: Text
    idea: Text
    minutes: int = Field(gt=0)
    task: Text
    unmet: tuple[PointKind, ...] = Field(min_length=1)
    why: Text
    edit: Names
    tests: Names
    hints: tuple[Text, Text]
    learned: Text
    believed: Text
    see: Names
    predict: bool = False
    shows: tuple[Literal["message", "section", "lanes"], ...] = ("message", "section", "lanes")
    run: tuple[Planned, ...] = (Planned(),)
    question: tuple[Question, ...] = ()
    false_cure: tuple[Attempt, ...] = ()

    @property
    def number(self) -> int:
        return int(self.name[:2])

    @property
    def source(self) -> Path:
        """Where it is tracked, unsolved."""
        return ROOT / EXERCISES / self.name

    @property
    def solution(self) -> Path:
        return ROOT / SOLUTIONS / self.name

    @property
    def answers(self) -> bool:
        """Is it solved by answers alone, so that no test's outcome changes?"""
        return all(run.stays for run in self.run)


class Lesson(Table):
    """A group of exercises that is taught together; `minutes` are those of teaching alone."""

    title: Text
    exercises: Annotated[tuple[int, ...], Field(min_length=1)]
    minutes: int
    questions: Names
    objectives: Names


class WayRound(Table):
    """A way to make a check pass without solving anything, and the kind answer to it."""

    says: Text


class FalseCure(Table):
    """A popular cure that cures nothing. `says` why; `see` is a trap or page of this repository."""

    says: Text
    see: Text


class File(Table):
    schema_version: Literal[1]
    fast: tuple[int, ...]
    lesson: tuple[Lesson, ...]
    way_round: dict[str, WayRound]
    false_cure: dict[str, FalseCure]
    exercise: tuple[Exercise, ...]


@dataclass(frozen=True)
class Workshop:
    """The manifest, whole; the exercises in their order."""

    file: File

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        return self.file.exercise

    def get(self, number: str) -> Exercise:
        """The exercise of a number as it was typed. Raises CommandError, with the numbers."""
        known = {exercise.number: exercise for exercise in self.exercises}
        if number.isascii() and number.isdigit() and int(number) in known:
            return known[int(number)]
        raise CommandError(
            f"{number!r} is not the number of an exercise: they are 1 to {max(known)}",
            hint="python -m scripts workshop list",
        )

    def after(self, exercise: Exercise, fast: bool) -> Exercise | None:
        """The exercise that follows, on the fast track or the whole; None after the last."""
        later = (other for other in self.exercises if other.number > exercise.number)
        return next((o for o in later if not fast or o.number in self.file.fast), None)


def load(root: Path = ROOT) -> Workshop:
    """Read the manifest. Raises ManifestError with the key, or the folder, that is wrong."""
    workshop = Workshop(read(root, FILE, File))
    known = {exercise.number for exercise in workshop.exercises}
    for due, exercise in enumerate(workshop.exercises, 1):
        key = f"{FILE}, exercise {exercise.name}"
        if exercise.number != due:
            raise ManifestError(f"{key}: its number must be {due:02}")
        for parent in (EXERCISES, SOLUTIONS):
            if not (root / parent / exercise.name).is_dir():
                raise ManifestError(f"{key}: there is no folder {parent}/{exercise.name}")
        for attempt in exercise.false_cure:
            if attempt.id not in workshop.file.false_cure:
                raise ManifestError(f"{key}: there is no [false_cure.{attempt.id}]")
    for place in (workshop.file.fast, *(lesson.exercises for lesson in workshop.file.lesson)):
        if not set(place) <= known:
            raise ManifestError(f"{FILE}: {sorted(set(place) - known)} are no exercises")
    return workshop
