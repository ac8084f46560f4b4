"""`make workshop`: its commands, one at a time or in a session that checks on saving."""

import json
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from watchfiles import watch

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

# Commands, by which one may be named by its beginning; and two events that nobody types.
COMMANDS = ("check", "hint", "why", "list", "next", "skip", "goto", "reset", "solution")
SAVED, ENDED = "\0saved", "\0ended"
Events = queue.Queue[str]
# Windows notices Ctrl-C only between two waits; editors write a file in several steps.
WAIT_S, DEBOUNCE_MS = 0.5, 200


class Room:
    """The workshop as it is now: manifest, progress, and a checker while there are servers."""

    def __init__(self, fast: bool) -> None:
        self.workshop: Workshop = manifest.load()
        self.fast = fast
        self.checker: Checker | None = None
        self.checked = ""  # what the last check was of
        self.progress, told = state.read()
        if told:
            terminal.status(told, "yellow")
        if self.progress.current > len(self.workshop.exercise):
            self.progress.current = 1

    @property
    def exercise(self) -> Exercise:
        return self.workshop.exercise[self.progress.current - 1]

    def do(self, line: str) -> None:
        """One command as it was typed. Raises CommandError if there is none such."""
        typed, *arguments = line.split()
        name = next((full for full in COMMANDS if full.startswith(typed.lower())), "")
        if not name or len(arguments) != (name == "goto"):
            raise CommandError(f"{line!r} is no command here", hint=view.COMMANDS)
        getattr(self, name)(*arguments)
        state.write(self.progress)

    def enter(self, exercise: Exercise) -> None:
        """Make an exercise the current one, with a folder to work in."""
        self.progress.current = exercise.number
        state.begin(exercise)
        view.task(self.workshop, exercise)
        if self.checker:
            self.check()
        else:
            terminal.prose("Next: check, or hint")

    def check(self) -> None:
        """Check the current exercise, then those before it that no longer rest on the same."""
        exercise = self.exercise
        folder, done = state.folder_of(exercise), self.progress.of(exercise)
        if state.begin(exercise):
            terminal.status(f"{state.shown(folder)} was not there; it is a new copy.")
        self.checked = state.rests_on(folder)
        with nullcontext(self.checker) if self.checker else checking(self.workshop) as checker:
            verdict = checked(checker, exercise)
            view.verdict(exercise, verdict, before(exercise, verdict))
            if not verdict.passed:
                done.state = "open" if done.state == "passed" else done.state
                terminal.prose("Next: change a file and save it; or hint, or why")
                return
            done.state, done.rests_on = "passed", self.checked
            view.passed(exercise, self.workshop.after(exercise, self.fast))
            for earlier in self.workshop.exercise[: exercise.number - 1]:
                self.check_again(checker, earlier)

    def check_again(self, checker: Checker, exercise: Exercise) -> None:
        """An exercise that had passed with other files than there are now."""
        done, folder = self.progress.of(exercise), state.folder_of(exercise)
        if done.state == "passed" and folder.exists() and done.rests_on != state.rests_on(folder):
            if checked(checker, exercise).passed:
                done.rests_on = state.rests_on(folder)
                return
            done.state = "open"
            text = f"Exercise {exercise.number} had passed and does not any more."
            terminal.prose(f"{text} Next: goto {exercise.number}", "yellow")

    def hint(self) -> None:
        done = self.progress.of(self.exercise)
        done.hints = min(done.hints + 1, 3)
        view.hint(self.exercise, done.hints)

    def why(self) -> None:
        """Why it does not pass; after passing, what was learned."""
        if self.progress.of(self.exercise).state == "passed":
            view.learned(self.exercise)
        else:
            view.why(self.exercise)

    def list(self) -> None:
        view.listing(self.workshop, self.progress)

    def next(self) -> None:
        if self.progress.of(self.exercise).state == "open":
            raise CommandError(
                f"exercise {self.exercise.number} is not solved yet", hint="check, hint or skip"
            )
        following = self.workshop.after(self.exercise, self.fast)
        if following is None:
            terminal.prose("There is none after this one. Next: list, or quit")
        else:
            self.enter(following)

    def skip(self) -> None:
        done = self.progress.of(self.exercise)
        done.state = "skipped" if done.state == "open" else done.state
        self.next()

    def goto(self, number: str) -> None:
        self.enter(self.workshop.get(number))

    def reset(self) -> None:
        kept = state.reset(self.exercise)
        self.progress.done.pop(self.exercise.name, None)
        text = f" Your work is kept in {kept}." if kept else ""
        terminal.prose(f"Exercise {self.exercise.number} begins anew.{text} Next: check")

    def solution(self) -> None:
        view.solution(self.exercise)


def checked(checker: Checker, exercise: Exercise) -> Verdict:
    """A check with its progress shown: pytest takes a second or two."""
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


def before(exercise: Exercise, verdict: Verdict) -> Mapping[str, Any]:
    """The recording of the first run of an exercise that did not pass, kept for comparison."""
    path = results.folder(f"workshop/{exercise.name}") / "before.json"
    try:
        document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return document
    except (OSError, ValueError):
        recording = next((ran.recording for ran in verdict.ran.values()), {})
        if recording and not verdict.passed:
            results.write(path, json.dumps(recording))
        return recording


def command(arguments: list[str], fast: bool, manual: bool) -> int:
    """`workshop [COMMAND]`: a session without a command, else only that. Raises CommandError if
    another terminal has the workshop open."""
    results.folder("workshop")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(RESULTS / "workshop"))
        except OSError:
            raise CommandError(
                "the workshop is open in another terminal, which keeps its progress",
                hint="type the command there, or quit there first",
            ) from None
        room = Room(fast)
        if arguments:
            room.do(" ".join(arguments))
        else:
            session(room, listen(watches=not manual), "Enter" if manual else "Saving a file")
    return 0


def session(room: Room, events: Events, way: str) -> None:
    """Take saved files and typed lines until the end; servers that die are started again. `way` is
    what checks."""
    begun = False
    while True:
        try:
            with checking(room.workshop) as room.checker:
                if not begun:
                    begun = True
                    terminal.status(f"{way} checks. {view.COMMANDS}")
                    room.enter(room.exercise)
                    state.write(room.progress)
                serve(room, events)
            return
        except ServerGone as error:
            terminal.status(f"A server is gone: {error}. Next: Enter, to check again", "yellow")
        finally:
            room.checker = None


def serve(room: Room, events: Events) -> None:
    """One event after the other; what goes wrong with one ends only that. Raises ServerGone."""
    while True:
        try:
            event = events.get(timeout=WAIT_S)
        except queue.Empty:
            continue
        if event == ENDED or event.lower() in ("quit", "q", "exit"):
            return
        if event == SAVED and room.checked == state.rests_on(state.folder_of(room.exercise)):
            continue  # one change is often several events
        try:
            room.do("check" if event in (SAVED, "") else event)
        except ServerError as error:
            raise ServerGone(str(error)) from None
        except ServerGone:
            raise
        except CommandError as error:
            terminal.error(str(error), error.hint)


def listen(watches: bool) -> Events:
    """Typed lines as events, and saved files where this platform can watch them."""
    events: Events = queue.Queue()
    threading.Thread(target=read_lines, args=(events,), daemon=True).start()
    if watches:
        state.MINE.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=watch_files, args=(events,), daemon=True).start()
    return events


def read_lines(events: Events) -> None:
    for line in sys.stdin:
        events.put(line.strip())
    events.put(ENDED)


def watch_files(events: Events) -> None:
    try:
        for _ in watch(state.MINE, debounce=DEBOUNCE_MS, raise_interrupt=False):
            events.put(SAVED)
    except Exception as error:  # whatever a platform raises that cannot watch
        terminal.status(f"Files cannot be watched here ({error}): Enter checks instead.", "yellow")
