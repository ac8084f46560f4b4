"""What workshop/workshop.toml says: lessons, exercises, their runs, questions and hints."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from scripts.errors import CommandError, ManifestError
from scripts.paths import ROOT
from scripts.sides.schema import Names, Table, Text, read
from scripts.verdict.words import Kind

FILE = "workshop/workshop.toml"
EXERCISES, SOLUTIONS = "workshop/exercises", "workshop/solutions"
ANSWERS = "answers.toml"
# What a check looks at.
PointKind = Literal["files", "cure", "tests", "clean", "connections", "finding", "answers"]


class Question(Table):
    """One key of the learner's answers.toml, with dots for its tables.

    `truth` says how the right answer is read off the run (see truth.py); `right` is the answer
    itself, for a judgement that no run can give. `wrong` maps plausible answers to what is said of
    them.
    """

    id: Text
    truth: str = ""
    right: str = ""
    wrong: dict[str, Text] = Field(min_length=1)


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
    given: bool = False
    importable: bool = False
    starts: dict[str, Kind] = Field(default_factory=dict)
    stays: bool = False
    ends: dict[str, Literal["passed", "failed"]] = Field(default_factory=dict)
    opened: int | None = None
    left_open: int | None = None
    finds: dict[str, Text] = Field(default_factory=dict)


class Edit(Table):
    """`old` becomes `new` in a file of the exercise; without `old` the file is `new`."""

    file: Text
    old: str = ""
    new: str


class Attempt(Table):
    """A false cure as somebody would write it here, for `make check-workshop`."""

    id: Text
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


class Lesson(Table):
    """A group of exercises that is taught together; `minutes` are those of teaching alone."""

    title: Text
    exercises: Annotated[tuple[int, ...], Field(min_length=1)]
    minutes: int
    questions: Names
    objectives: Names


class Told(Table):
    """What is said, kindly, of a way round an exercise or of a cure that cures nothing; `see` is
    a trap or page of this repository."""

    says: Text
    see: str = ""


class Workshop(Table):
    """The whole of it; the exercises in their order, and the numbers of the fast track."""

    schema_version: Literal[1]
    fast: tuple[int, ...]
    lesson: tuple[Lesson, ...]
    way_round: dict[str, Told]
    false_cure: dict[str, Told]
    exercise: tuple[Exercise, ...]

    def get(self, number: str) -> Exercise:
        """The exercise of a number as it was typed. Raises CommandError, with the numbers."""
        known = {str(exercise.number): exercise for exercise in self.exercise}
        if number.lstrip("0") not in known:
            raise CommandError(
                f"{number!r} is not the number of an exercise: they are 1 to {len(known)}",
                hint="python -m scripts workshop list",
            )
        return known[number.lstrip("0")]

    def after(self, exercise: Exercise, fast: bool) -> Exercise | None:
        """The exercise that follows, on the fast track or the whole; None after the last."""
        later = self.exercise[exercise.number :]
        return next((other for other in later if not fast or other.number in self.fast), None)


def load(root: Path = ROOT) -> Workshop:
    """Read the manifest. Raises ManifestError with the key, or the folder, that is wrong."""
    workshop = read(root, FILE, Workshop)
    for due, exercise in enumerate(workshop.exercise, 1):
        if exercise.number != due:
            raise ManifestError(f"{FILE}, exercise {exercise.name}: its number must be {due:02}")
        for parent in (EXERCISES, SOLUTIONS):
            if not (root / parent / exercise.name).is_dir():
                raise ManifestError(f"{FILE}: there is no folder {parent}/{exercise.name}")
    return workshop
