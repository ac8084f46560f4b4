"""Errors that no test fails with, and what they are to tests: told at the end of the run, or under
a test that failed of its own assertion after one of them."""

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from whichloop import messages
from whichloop.diagnose.causes import CAUSES
from whichloop.observe import frames, peek
from whichloop.observe.background_errors import BackgroundErrors
from whichloop.observe.tracker import TRACKER
from whichloop.observe.ways import reach
from whichloop.present.section import render
from whichloop.records import HUNG, Finding

# A suite whose every test logs an error says so often enough with these.
MAX_BACKGROUND = 200
_BEHIND = "likely: the test failed with an error of its own, after this one was "
_HOW = {"logged": "only logged", "thread": "raised in a thread", "finalizer": "raised at clean-up"}


class Background:
    """``explain(error, during, where, text)`` gives the finding of an error, or None."""

    def __init__(self, explain: Callable[..., Finding | None]) -> None:
        self._explain = explain
        self.findings: list[Finding] = []  # of what is about loops
        self.more = 0
        self.errors = BackgroundErrors(self._report)
        self._of_test: list[Finding] = []  # since the present test began, the first first

    def test_begins(self) -> None:
        self._of_test.clear()

    def _report(self, error: BaseException | None, text: str, where: str) -> None:
        with TRACKER.guarded("errors in the background"):
            raised = RuntimeError(text) if error is None else error
            if where == "thread":
                self._dies(raised)
            texts = [f"{kind}: {words}" for kind, words in frames.texts_of(raised)]
            # Most of what is logged is of other troubles: it costs no look at any frame.
            if not TRACKER.crossings and messages.find([*texts, text]) is None:
                return
            finding = self._explain(raised, TRACKER.scene.during, where, text)
            if finding is None:
                return
            self._of_test.append(finding)
            if CAUSES[finding.cause].about_loops:
                if len(self.findings) < MAX_BACKGROUND:
                    self.findings.append(finding)
                else:
                    self.more += 1

    @staticmethod
    def _dies(error: BaseException) -> None:
        """This thread ends by the error. If that came from a loop, who waits for it must know."""
        for frame in frames.passed_by(error):
            loop = frame.f_locals.get("self")
            if peek.is_loop(loop):
                died = weakref.ref(threading.current_thread()), TRACKER.loop(loop)
                TRACKER.loops.dead_threads.append(died)
                return

    def behind(
        self, told: Finding | None, error: BaseException, during: str, when: str
    ) -> Finding | None:
        """What a test's failure, which itself says nothing of loops, may come from: the first error
        that was in the background meanwhile, or one that its variables hold. Of a hang that is
        ``told`` such an error is a part."""
        if told is not None and told.message == HUNG:
            self.findings = [one for one in self.findings if one.during != during]
            return told
        for finding in self._of_test:
            if finding.during == during:
                self.findings = [one for one in self.findings if one is not finding]
                return finding._replace(phase=when, sure=_BEHIND + _HOW[finding.phase])
        for held in errors_in(error):
            finding_of = self._explain(held, during, when)
            if finding_of is not None and CAUSES[finding_of.cause].about_loops:
                return finding_of._replace(sure=_BEHIND + "kept in a variable")
        return told

    def told(self) -> Iterator[str]:
        """What the end of the run tells of what no test failed with; it is told once."""
        counts = Counter(map(render, self.findings))
        self.findings.clear()
        for text, count in counts.items():
            yield f"{text}{f' ({count} times)' if count > 1 else ''}\n"
        if self.more:
            yield f"and {self.more} more that are not shown"
            self.more = 0


def errors_in(error: BaseException) -> Iterator[BaseException]:
    """The errors with a message of several loops that the variables of the failing test hold, by
    themselves, in a list of results, or in a task whose result nobody asked for."""
    own = [f for f in frames.passed_by(error) if frames.is_user_file(f.f_code.co_filename)]
    for value in reach(frames.locals_of(own), 2):
        if peek.is_a(value, BaseException):
            held = value
        else:
            held = peek.attribute(value, "_exception") if _is_future(value) else None
        if held is None or held is error:
            continue
        match = messages.find(f"{kind}: {text}" for kind, text in frames.texts_of(held))
        if match is not None and match[0] in messages.LOOP:
            yield held


def _is_future(value: Any) -> bool:
    return any(name in ("Future", "Task") for _, name, _ in peek.bases(type(value)))
