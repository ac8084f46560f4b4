"""What a person sees of a remedy: the headline, the diff, the table, the price."""

from __future__ import annotations

import re

from rich.markup import escape

from scripts.run.model import Run
from scripts.sides.manifest import Side
from scripts.verdict.against_broken import Grade, Verdicts
from scripts.verdict.words import CHANGES, KINDS, SERVERS, VERDICTS
from scripts.views.terminal import console, first_failures, of_tests, prose, say

# As in a message: "running at /home/me/suite/test_jobs.py:15", "> cb=[…]> got Future".
PATH = re.compile(r"(?<= at )/[^>\]]*?([^/>\]]+/[^/>\]]+\.py:\d+)")
CALLBACKS = re.compile(r"(> cb=)\[[^\]]*\](?=> got Future)")
NO_LOOP = (
    "The column of loops is empty: whichloop learns from a loop's run_forever which test runs on"
    " it, and these loops have another one (nest_asyncio, for one, puts its own there)."
)
# The fields of ConnectionCounts.
COUNTED = ("opened", "at the peak", "left open")


def headline(side: Side, grade: Grade) -> None:
    """ "Remedy 3 cures 6 of 13 failing tests (MongoDB all, Postgres none): as documented."."""
    prose(sentence(side, grade), "bold")
    prose(f"{side.title} ({side.folder})")


def sentence(side: Side, grade: Grade) -> str:
    """The headline's text."""
    cured = grade.having("FAIL_TO_PASS")
    flaky, broke = grade.having("flaky"), grade.having("PASS_TO_FAIL")
    groups = ", ".join(
        f"{name} {VERDICTS[grade.verdicts[group]]}" for group, name in SERVERS.items()
    )
    text = f"{side.name} cures {len(cured)} of {grade.failing_before} failing tests ({groups})"
    if flaky:
        text += f", makes {len(flaky)} flaky"
    if broke:
        text += f", breaks {len(broke)}"
    if grade.invalid:
        return f"{side.name}: INVALID."
    return f"{text}: {'as documented' if grade.as_documented else 'NOT as documented'}."


def diff(text: str) -> None:
    """A unified diff, coloured on a terminal."""
    say("")
    for line in text.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        say(line, "bold" if line.startswith(("+++", "---")) else style)


def table(run: Run, grade: Grade) -> None:
    """Test by test, from broken/ to here: cured (failed → passed), still fails, and so on."""
    rows = of_tests("loop", "broken → here", "message")
    file = ""
    for test in run.tests.values():
        path, _, name = test.nodeid.partition("::")
        if path != file:
            rows.add_row(f"[dim]{escape(path)}[/]")
            file = path
        change = CHANGES[grade.changes[test.nodeid]]
        message = " ".join(filter(None, (KINDS[test.kind].short if test.kind else "", test.driver)))
        if test.phase != "call":
            message += f", {test.outcome} in {test.phase}"
        rows.add_row(
            "  " + escape(name), test.loop or "", f"[{change.style}]{change.word}[/]", message
        )
    console.print(rows)
    why_no_loop(run)


def why_no_loop(run: Run) -> None:
    """A word on the table's column of loops where it is empty and loops were seen."""
    if run.loops and not any(test.loop for test in run.tests.values()):
        prose(NO_LOOP)


def messages(run: Run) -> None:
    """What the failing tests said: of each message and driver one, in full, and where it is from.

    The table has room for a word or two only, and a trap may differ from broken/ in nothing else.
    """
    for test, error in first_failures(run):
        words = " ".join(filter(None, (KINDS[error.kind].short, error.driver)))
        prose(f"{words}, in {test.nodeid}:")
        for line in shortened(f"{error.type}: {error.message}").splitlines():
            say(f"  {line}", "red")


def shortened(message: str) -> str:
    """The message without what differs from machine to machine and says nothing of loops: the
    way to a file, and the callbacks of a task."""
    message = CALLBACKS.sub(r"\1[…]", message)
    return PATH.sub(r"…/\1", message)


def price(broken: Run, run: Run) -> None:
    """Connections, by what the servers said, and time against broken/."""
    for name, counts in run.counts.items():
        before = broken.counts.get(name)
        words = ", ".join(
            f"{count} {label} (broken {getattr(before, key, '–')})"
            for (key, count), label in zip(counts, COUNTED, strict=True)
        )
        server = run.servers[name]
        prose(f"Connections, {server.product if server else name}: {words}.")
    for text, times in run.logged_errors.items():
        prose(f"Logged as an error: {times} × {text} (broken {broken.logged_errors.get(text, 0)}).")
    if run.duration_s and broken.duration_s:
        ratio, per_test = run.duration_s / broken.duration_s, 1000 * run.duration_s / len(run.tests)
        prose(f"Time: {ratio:.2f} × broken ({per_test:.0f} ms a test, tracebacks included).")


def verdicts(grade: Grade, documented: Verdicts) -> None:
    """Where the verdict itself is not the documented one."""
    for name, expected in documented.items():
        if grade.verdicts[name] != expected:
            prose(f"  {name}: documented {expected}, was {grade.verdicts[name]}", "yellow")
    for nodeid in grade.having("not_on_both"):
        prose(f"  {nodeid} ran on one of the two sides only", "yellow")
