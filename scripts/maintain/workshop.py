"""`make check-workshop`: every exercise of the workshop, unsolved, solved, and solved wrongly."""

import ast
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.errors import CommandError
from scripts.run.model import FAILING
from scripts.run.side import end_all
from scripts.servers.client import Guardian
from scripts.views import terminal
from scripts.workshop import manifest, rules, state, view
from scripts.workshop.check import Checker, Verdict
from scripts.workshop.manifest import ANSWERS, Attempt, Exercise, Workshop
from scripts.workshop.session import checking

# Changes a folder, if it applies to the exercise; did it?
Way = Callable[[Path, Exercise], bool]
HOOK = "\n\ndef pytest_runtest_makereport(item, call):\n    return None\n"


def check_workshop(numbers: list[str]) -> int:
    """Check the exercises of these numbers, or all; 0 if each is as its manifest says, else 1."""
    workshop = manifest.load()
    chosen = [workshop.get(number) for number in numbers] or list(workshop.exercise)
    began, wrong = time.monotonic(), 0
    with checking(workshop) as first, ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        try:
            trials = [pool.submit(tried, workshop, first.guardian, each) for each in chosen]
            for exercise, trial in zip(chosen, trials, strict=True):
                done, problems = trial.result()
                wrong += len(problems)
                terminal.line(f"{'no' if problems else 'ok'} {exercise.name}: {done}")
                for problem in problems:
                    terminal.line(f"     {problem}", "red")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
    took = f"{time.monotonic() - began:.0f} s"
    terminal.line(f"{len(chosen)} exercises in {took}, {wrong} problems")
    return 1 if wrong else 0


def tried(workshop: Workshop, guardian: Guardian, exercise: Exercise) -> tuple[str, list[str]]:
    """What was tried of an exercise, in words, and each thing that is not as it must be."""
    trial = Trial(workshop, guardian, exercise)
    try:
        problems = [*trial.unsolved(), *trial.solved(), *trial.false_cures()]
        problems += [*trial.ways_round(), *trial.wrong_answers()]
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return ", ".join(trial.done), problems


class Trial:
    """The attempts at one exercise, each in a folder of its own beside the learner's."""

    def __init__(self, workshop: Workshop, guardian: Guardian, exercise: Exercise) -> None:
        self.exercise = exercise
        self.checker = Checker(workshop, guardian, where="workshop/check")
        self.folder = state.MINE / f".check-{exercise.name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.done: list[str] = []

    def copy(self, source: Path, name: str) -> Path:
        folder = self.folder / f"{self.exercise.name[:2]}-{name}"
        state.copy(source, folder)
        return folder

    def check(self, folder: Path) -> Verdict:
        return self.checker.check(self.exercise, folder)

    def unsolved(self) -> Iterator[str]:
        """As it comes it fails, for the reason that is stated."""
        found = self.check(self.copy(self.exercise.source, "unsolved"))
        unmet = {point.kind for point in found.points if not point.holds}
        if found.passed:
            yield "unsolved: it passes unedited"
        elif unmet != set(self.exercise.unmet):
            yield f"unsolved: {sorted(unmet)} do not hold, and not {sorted(self.exercise.unmet)}"
        for planned in self.exercise.run if found.ran else ():
            if planned.given:
                continue
            ran = found.ran.get(planned.name)
            tests = ran.run.tests.values() if ran else ()
            failing = {t.nodeid: t.kind or "other" for t in tests if t.outcome in FAILING}
            if failing != planned.starts:
                yield f"unsolved, {planned.name}: {failing} fail, and not {planned.starts}"
        self.done.append("fails unsolved")

    def solved(self) -> Iterator[str]:
        """Its solution passes, and so does the third hint, which is the patch to just that."""
        exercise = self.exercise
        for point in self.check(self.copy(exercise.solution, "solution")).points:
            if not point.holds:
                yield f"solution: {point.says} {' | '.join(point.detail)}"
        patched = self.folder / "patched"
        mine = patched / state.shown(state.folder_of(exercise))
        state.copy(exercise.source, mine)
        git = ["git", "apply", "--unsafe-paths", "-p1", "-"]
        environ = os.environ | {"GIT_CEILING_DIRECTORIES": str(self.folder)}
        text = view.patch(exercise).encode()
        result = subprocess.run(git, cwd=patched, input=text, env=environ, capture_output=True)
        files = rules.names_of(mine) | rules.names_of(exercise.solution)
        pairs = ((mine / name, exercise.solution / name) for name in files)
        if result.returncode or any(a.read_bytes() != b.read_bytes() for a, b in pairs):
            yield f"third hint: {result.stderr.decode().strip() or 'it is not the solution'}"
        self.done.append("passes by its solution and third hint")

    def false_cures(self) -> Iterator[str]:
        """Each is refused by its own sentence, with a run in which something fails."""
        for attempt in self.exercise.false_cure:
            folder = self.copy(self.exercise.source, attempt.id)
            apply(attempt, folder)
            points = self.check(folder).points
            refused = [point for point in points if point.rule == attempt.id and not point.holds]
            if not refused:
                yield f"{attempt.id}: not refused; {[p.says for p in points if not p.holds]}"
            elif not refused[0].detail:
                yield f"{attempt.id}: no run shows it failing"
            self.done.append(f"refuses {attempt.id}")

    def ways_round(self) -> Iterator[str]:
        """Each that applies here is refused by its own sentence, and nothing is run."""
        tried = 0
        for rule, change in WAYS.items():
            folder = self.copy(self.exercise.solution, rule)
            if change(folder, self.exercise):
                tried += 1
                found = self.check(folder)
                if found.ran or [point.rule for point in found.points] != [rule]:
                    yield f"{rule}: {[(p.rule, p.says) for p in found.points]}"
        self.done.append(f"{tried} ways round")

    def wrong_answers(self) -> Iterator[str]:
        """Each is refused by its own sentence, and nothing is run again."""
        tried, folder = 0, self.folder / f"{self.exercise.name[:2]}-solution"
        right = (folder / ANSWERS).read_text("utf-8") if self.exercise.question else ""
        kept = self.check(folder).ran if right else {}
        for question in self.exercise.question:
            for wrong, says in question.wrong.items():
                text = with_answer(right, question.id, wrong)
                (folder / ANSWERS).write_text(text, "utf-8")
                found = self.check(folder)
                refused = [point for point in found.points if not point.holds]
                if [says in point.says for point in refused] != [True]:
                    yield f"{question.id} = {wrong!r}: {[point.says for point in refused]}"
                if any(found.ran[name] is not kept[name] for name in kept):
                    yield f"{question.id} = {wrong!r}: pytest was run again"
                tried += 1
        if tried:
            self.done.append(f"{tried} wrong answers")


def apply(attempt: Attempt, folder: Path) -> None:
    """Make the edits of an attempt. Raises CommandError if the text to change is not there."""
    for edit in attempt.edit:
        path = folder / edit.file
        text = path.read_text("utf-8") if path.exists() else ""
        if edit.old not in text:
            raise CommandError(f"{attempt.id}: {edit.old!r} is not in {path}")
        path.write_text(text.replace(edit.old, edit.new, 1) if edit.old else edit.new, "utf-8")


def with_answer(text: str, key: str, answer: str) -> str:
    """The text of an answers.toml with another answer to one question."""
    table, _, name = key.rpartition(".")
    lines, here = text.splitlines(), ""
    for place, line in enumerate(lines):
        here = line.strip("[]") if line.startswith("[") else here
        if here == table and line.partition(" = ")[0] == name:
            lines[place] = f'{name} = "{answer}"'
    return "\n".join([*lines, ""])


def change_test(change: Callable[[rules.Definition], None]) -> Way:
    """A way round that changes the first test with an assert of its own, if there is one."""

    def way(folder: Path, exercise: Exercise) -> bool:
        for name in sorted(rules.names_of(folder)):
            tree = rules.tree_of(folder, name) if name.endswith(".py") else ast.Module([], [])
            for test in rules.tests_of(tree).values():
                plain = any(isinstance(node, ast.Assert) for node in test.body)
                if plain and test in tree.body:
                    change(test)
                    tree.body = [node for node in tree.body if getattr(node, "name", "") != "gone"]
                    text = ast.unparse(ast.fix_missing_locations(tree))
                    (folder / name).write_text(text, "utf-8")
                    return True
        return False

    return way


def without_asserts(test: rules.Definition) -> None:
    test.body = [node for node in test.body if not isinstance(node, ast.Assert)]
    if isinstance(test, ast.AsyncFunctionDef):
        test.body += ast.parse("await nothing()").body
    else:
        test.body += ast.parse("nothing()").body


def caught(test: rules.Definition) -> None:
    [block] = ast.parse("try:\n    pass\nexcept Exception:\n    pass").body
    assert isinstance(block, ast.Try)
    block.body, test.body = test.body, [block]


def marked(mark: str) -> Callable[[rules.Definition], None]:
    expression = ast.parse(f"pytest.mark.{mark}", mode="eval").body
    return lambda test: test.decorator_list.append(expression)


def appended(text: str, wanted: Callable[[str, Exercise], bool]) -> Way:
    """A way round that adds text to the first file that is wanted, if there is one."""

    def way(folder: Path, exercise: Exercise) -> bool:
        names = [name for name in sorted(rules.names_of(folder)) if wanted(name, exercise)]
        if names:
            with (folder / names[0]).open("a", encoding="utf-8") as file:
                file.write(text)
        return bool(names)

    return way


def changed_wrapper(folder: Path, exercise: Exercise) -> bool:
    for name in sorted(rules.names_of(folder)):
        if name.endswith(".py") and rules.count(
            rules.STAR, rules.facts(rules.tree_of(folder, name))
        ):
            (folder / name).write_text("async def test_it():\n    pass\n", "utf-8")
            return True
    return False


def new_file(folder: Path, exercise: Exercise) -> bool:
    (folder / "test_more.py").write_text("def test_more():\n    pass\n", "utf-8")
    return not rules.may_change("test_more.py", exercise.edit)


# How each way round of the manifest is tried; False where it does not apply.
WAYS: dict[str, Way] = {
    "deleted_assert": change_test(without_asserts),
    "removed_test": change_test(lambda test: setattr(test, "name", "gone")),
    "emptied_test": change_test(lambda test: setattr(test, "body", [ast.Pass()])),
    "skip": change_test(marked("skip")),
    "xfail": change_test(marked("xfail")),
    "caught_error": change_test(caught),
    "changed_wrapper": changed_wrapper,
    "decided_outcome": appended(HOOK, lambda name, exercise: name.endswith("conftest.py")),
    "options": appended(
        "\npython_functions = check_*\n",
        lambda name, exercise: name.endswith(".ini") and rules.may_change(name, exercise.edit),
    ),
    "not_yours": appended(
        "\nOTHER = 1\n",
        lambda name, exercise: name.endswith(".py") and not rules.may_change(name, exercise.edit),
    ),
    "new_file": new_file,
}
