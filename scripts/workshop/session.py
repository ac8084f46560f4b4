"""`make workshop`: its commands, one at a time or in a session that checks on saving."""

import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from watchfiles import watch as changes

from scripts.errors import CommandError, ServerError, ServerGone
from scripts.paths import RESULTS
from scripts.run import results
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.servers.folder import locked
from scripts.views import terminal
from scripts.workshop import manifest, state, view
from scripts.workshop.check import Checker, Verdict
from scripts.workshop.manifest import Exercise, Workshop

SAVED, ENDED = "\0saved", "\0ended"
DEBOUNCE_MS = 200


class Interface(NamedTuple):
    """How a session is told of saved files and typed lines; a test gives its own."""

    events: "queue.Queue[str]"
    watches: bool


class Room:
    """The workshop as it is now: manifest, progress, and a checker while there are servers."""

    def __init__(self, fast: bool) -> None:
        self.workshop: Workshop = manifest.load()
        self.progress, told = state.read()
        if told:
            terminal.status(told, "yellow")
        if fast != self.progress.fast and (fast or self.progress.fast is None):
            self.progress.fast = fast
        numbers = {exercise.number for exercise in self.workshop.exercises}
        if self.progress.current not in numbers:
            self.progress.current = min(numbers)
        self.checker: Checker | None = None
        self.commands: dict[str, Callable[..., None]] = {
            "check": self.check,
            "hint": self.hint,
            "why": self.why,
            "list": self.list,
            "next": self.next,
            "skip": self.skip,
            "goto": self.goto,
            "reset": self.reset,
            "solution": self.solution,
        }

    @property
    def exercise(self) -> Exercise:
        return self.workshop.get(str(self.progress.current))

    def do(self, line: str) -> None:
        """One command as it was typed. Raises CommandError if there is none such."""
        name, *arguments = line.split()
        name = next((full for full in self.commands if full.startswith(name.lower())), name)
        if name not in self.commands or len(arguments) != (name == "goto"):
            raise CommandError(f"{line!r} is no command here", hint=view.COMMANDS)
        self.commands[name](*arguments)
        state.write(self.progress)

    def enter(self, exercise: Exercise) -> None:
        """Make an exercise the current one, with a folder to work in."""
        self.progress.current = exercise.number
        state.begin(exercise)
        view.task(self.workshop, exercise)
        if self.checker:
            self.check()

    def check(self) -> None:
        """Check the current exercise, then those before it that no longer rest on the same."""
        exercise = self.exercise
        if state.begin(exercise):
            text = f"{state.shown(state.folder_of(exercise))} was not there; it is a new copy."
            terminal.status(text)
        with self._servers() as checker:
            found = checked(checker, exercise)
            view.verdict(exercise, found, before(exercise, found))
            done = self.progress.of(exercise)
            if not found.passed:
                done.state = "open" if done.state == "passed" else done.state
                terminal.prose("Next: change a file and save it, or hint, or why")
                return
            done.state, done.rests_on = "passed", state.rests_on(state.folder_of(exercise))
            view.passed(self.workshop, exercise, self._following())
            self._check_earlier(checker)

    def _check_earlier(self, checker: Checker) -> None:
        """Exercises that had passed with other files than there are now."""
        for exercise in self.workshop.exercises[: self.progress.current - 1]:
            done, folder = self.progress.of(exercise), state.folder_of(exercise)
            if done.state != "passed" or not folder.exists():
                continue
            now = state.rests_on(folder)
            if now != done.rests_on:
                if checked(checker, exercise).passed:
                    done.rests_on = now
                else:
                    done.state = "open"
                    text = f"Exercise {exercise.number} had passed and does not any more."
                    terminal.prose(f"{text} Next: goto {exercise.number}", "yellow")

    def hint(self) -> None:
        done = self.progress.of(self.exercise)
        done.hints = min(done.hints + 1, 3)
        view.hint(self.exercise, done.hints)

    def why(self) -> None:
        """Why it fails now; after passing, what was learned."""
        if self.progress.of(self.exercise).state == "passed":
            view.why(self.exercise)
        else:
            terminal.prose(f"The idea: {self.exercise.idea.strip()}")
            terminal.prose(f"Why it does not pass yet: {self.exercise.why.strip()}")

    def list(self) -> None:
        view.listing(self.workshop, self.progress)

    def next(self) -> None:
        if self.progress.of(self.exercise).state == "open":
            raise CommandError(
                f"exercise {self.exercise.number} is not solved yet", hint="check, hint or skip"
            )
        following = self._following()
        if following:
            self.enter(following)
        else:
            terminal.prose("There is none after this one. Next: list")

    def skip(self) -> None:
        done = self.progress.of(self.exercise)
        done.state = "skipped" if done.state == "open" else done.state
        self.next()

    def goto(self, number: str) -> None:
        self.enter(self.workshop.get(number))

    def reset(self) -> None:
        kept = state.reset(self.exercise)
        self.progress.done.pop(self.exercise.name, None)
        text = f"Your work is kept in {kept}." if kept else ""
        terminal.prose(f"Exercise {self.exercise.number} begins anew. {text}")

    def solution(self) -> None:
        view.solution(self.exercise)

    def _following(self) -> Exercise | None:
        return self.workshop.after(self.exercise, self.progress.fast)

    @contextmanager
    def _servers(self) -> Iterator[Checker]:
        """The session's checker, or servers for one check."""
        if self.checker:
            yield self.checker
        else:
            with checking(self.workshop) as checker:
                yield checker


def checked(checker: Checker, exercise: Exercise) -> Verdict:
    """A check with its progress told: pytest takes a second or two."""
    total = max(len(exercise.tests) * len(exercise.run), 1)
    with terminal.progress(f"Checking exercise {exercise.number}", total) as advance:
        checker.on_line = lambda line: advance() if "::" in line and line.endswith("%]") else None
        return checker.check(exercise, state.folder_of(exercise))


@contextmanager
def checking(workshop: Workshop) -> Iterator[Checker]:
    """A checker on the servers that BACKEND chooses. Raises ServerError if they do not start."""
    choice = choose()
    terminal.status(str(choice))
    with running(choice.backend, pair=choice.pair) as guardian:
        yield Checker(workshop, guardian)


def before(exercise: Exercise, found: Verdict) -> Mapping[str, Any]:
    """The recording of the first run of an exercise that did not pass, kept for comparison."""
    path = results.folder(f"workshop/{exercise.name}") / "before.json"
    try:
        document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return document
    except (OSError, ValueError):
        for ran in found.ran.values():
            if not found.passed and ran.recording:
                results.write(path, json.dumps(ran.recording))
                return ran.recording
    return {}


@contextmanager
def alone() -> Iterator[None]:
    """One session, or changing command, at a time. Raises CommandError if there is another."""
    results.folder("workshop")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(RESULTS / "workshop"))
        except OSError:
            raise CommandError(
                "the workshop is open in another terminal, which keeps its progress",
                hint="type the command there, or quit there first",
            ) from None
        yield


def command(arguments: list[str], fast: bool, manual: bool) -> int:
    """`workshop [COMMAND]`: a session without a command, else only that."""
    with alone():
        room = Room(fast)
        if arguments:
            room.do(" ".join(arguments))
            return 0
        return session(room, listen(watches=not manual))


def session(room: Room, interface: Interface) -> int:
    """Check on every saved file and do every typed line, until the end."""
    watches = "saving a file checks it" if interface.watches else "Enter, or check, checks"
    while True:
        try:
            with checking(room.workshop) as checker:
                room.checker = checker
                room.enter(room.exercise)
                state.write(room.progress)
                terminal.status(f"{watches}. {view.COMMANDS}", "dim")
                serve(room, interface)
            return 0
        except ServerGone as error:
            terminal.status(f"A server is gone: {error}. Starting it again …", "yellow")
        finally:
            room.checker = None


def serve(room: Room, interface: Interface) -> None:
    """Take one event after the other; what goes wrong with one ends only that."""
    while True:
        event = interface.events.get()
        while event == SAVED and not interface.events.empty():
            event = interface.events.get()  # several files at once are one change
        if event == ENDED or event.lower() in ("quit", "q", "exit"):
            return
        try:
            room.do("check" if event in (SAVED, "") else event)
        except ServerGone:
            raise
        except (CommandError, ServerError) as error:
            terminal.error(str(error), error.hint)


def listen(watches: bool) -> Interface:
    """Typed lines, and saved files where this platform can watch them, as events."""
    events: queue.Queue[str] = queue.Queue()
    threading.Thread(target=read_lines, args=(events,), daemon=True).start()
    if watches:
        state.MINE.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=watch, args=(events,), daemon=True).start()
    return Interface(events, watches)


def read_lines(events: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        events.put(line.strip())
    events.put(ENDED)


def watch(events: "queue.Queue[str]") -> None:
    """An event for each save below workshop/mine/."""
    try:
        for saved in changes(state.MINE, debounce=DEBOUNCE_MS, raise_interrupt=False):
            if any(counts(path) for _, path in saved):
                events.put(SAVED)
    except Exception as error:  # whatever a platform raises that cannot watch
        terminal.status(f"Files cannot be watched here ({error}): Enter checks instead.", "yellow")


def counts(path: str) -> bool:
    """Is it a file of the learner's, and not one that pytest or an editor makes beside it?"""
    parts = path.replace("\\", "/").partition("workshop/mine/")[2].split("/")
    return not any(part.startswith((".", "__")) or part.endswith("~") for part in parts)
