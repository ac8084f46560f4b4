"""What a person sees of a remedy: the headline, the diff, the table, the price."""

import re

from scripts.run.model import Run, Test
from scripts.sides.manifest import Side
from scripts.verdict.against_broken import Grade, Verdicts
from scripts.verdict.documented import outcome_of
from scripts.verdict.words import CHANGES, KINDS, OUTCOMES, SERVERS, VERDICTS, Kind
from scripts.views import terminal
from scripts.views.run import first_failures, place, print_tests

# As in a message: "running at /home/me/suite/test_jobs.py:15", "> cb=[…]> got Future".
PATH = re.compile(r"(?<= at )/[^>\]]*?([^/>\]]+/[^/>\]]+\.py:\d+)")
CALLBACKS = re.compile(r"(> cb=)\[[^\]]*\](?=> got Future)")
# The fields of ConnectionCounts, in words.
COUNTED = ("opened", "at the peak", "left open")


def print_headline(side: Side, grade: Grade) -> None:
    """ "Remedy 3 cures 8 of 17 failing tests (MongoDB all, Postgres some): as documented."."""
    terminal.prose(headline(side, grade), "bold")
    terminal.prose(f"{side.title} ({side.folder})")


def headline(side: Side, grade: Grade) -> str:
    if grade.invalid:
        return f"{side.name}: INVALID."
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
    return f"{text}: {'as documented' if grade.as_documented else 'NOT as documented'}."


def print_changes(run: Run, grade: Grade) -> None:
    """Test by test, from broken/ to here: cured (failed → passed), still fails, and so on."""

    def cells(test: Test) -> tuple[str, ...]:
        change = CHANGES[grade.changes[test.nodeid]]
        message = words(test.kind, test.driver) if test.kind else ""
        if test.phase != "call":
            message = f"{OUTCOMES[outcome_of(test)].word}: {message}"
        return f"[{change.style}]{change.word}[/]", message

    print_tests(run, ("broken → here", "message"), cells)


def words(kind: Kind, driver: str | None) -> str:
    """ "different loop motor"."""
    return " ".join(filter(None, (KINDS[kind].short, driver)))


def print_messages(run: Run) -> None:
    """The first failures, in full, and where they are from.

    The table has room for a word or two only, and a trap may differ from broken/ in nothing else.
    """
    for test, error in first_failures(run):
        terminal.prose(f"{words(error.kind, error.driver)}, {place(test)}:")
        for line in shortened(f"{error.type}: {error.message}").splitlines():
            terminal.line(f"  {line}", "red")


def shortened(message: str) -> str:
    """The message without what differs from machine to machine and says nothing of loops: the
    way to a file, and the callbacks of a task."""
    return PATH.sub(r"…/\1", CALLBACKS.sub(r"\1[…]", message))


def print_price(broken: Run, run: Run) -> None:
    """Connections, by what the servers said, and time against broken/."""
    for name, counts in run.counts.items():
        before = broken.counts.get(name)
        text = ", ".join(
            f"{count} {label} (broken {getattr(before, key, '–')})"
            for (key, count), label in zip(counts, COUNTED, strict=True)
        )
        server = run.servers[name]
        terminal.prose(f"Connections, {server.product if server else name}: {text}.")
    for text, times in run.logged_errors.items():
        before_times = broken.logged_errors.get(text, 0)
        terminal.prose(f"Logged as an error: {times} × {text} (broken {before_times}).")
    if run.duration_s and broken.duration_s:
        ratio, per_test = run.duration_s / broken.duration_s, 1000 * run.duration_s / len(run.tests)
        terminal.prose(
            f"Time: {ratio:.2f} × broken ({per_test:.0f} ms a test, tracebacks included)."
        )


def print_verdicts(grade: Grade, documented: Verdicts) -> None:
    """Where the verdict itself is not the documented one."""
    for name, expected in documented.items():
        if grade.verdicts[name] != expected:
            terminal.prose(f"  {name}: documented {expected}, was {grade.verdicts[name]}", "yellow")
    for nodeid in grade.having("not_on_both"):
        terminal.prose(f"  {nodeid} ran on one of the two sides only", "yellow")
