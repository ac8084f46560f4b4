"""What a person sees: tables, messages, verdicts. Everything printed comes from a run."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.recording import of_json

from scripts.run import loops, results
from scripts.run.environment import foreign_plugins
from scripts.run.model import Failure, Run, Test
from scripts.servers.model import Servers
from scripts.sides.manifest import Side
from scripts.verdict.documented import Judgement, failures_by_driver
from scripts.verdict.words import KINDS, OUTCOME_STYLES

# A pipe has no width of its own: wide enough for the longest test name on one line.
PIPE_WIDTH = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 100
console = Console(highlight=False, width=PIPE_WIDTH)
errors = Console(stderr=True, highlight=False)
# Everything by which text could steer a terminal; a line's end and a tab are text.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def say(text: str, style: str = "", to: Console | None = None) -> None:
    """A line of text that is not markup, as it is: a command, a diff, what an exception said."""
    (to or console).print(escape(harmless(text)), style=style or None, soft_wrap=True)


def prose(text: str, style: str = "", to: Console | None = None) -> None:
    """Sentences, broken between words and with an indent where they meet the terminal's edge.

    In a pipe each stays on one line, for those who search it, unless COLUMNS gives it a width.
    """
    target = to or console
    known = target.is_terminal or os.environ.get("COLUMNS")
    for line in text.splitlines() or [""]:
        say("\n".join(wrapped(line, target.width)) if known else line, style, target)


def wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of that width; a word that is longer (a path, a URL) stays whole."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    pieces = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return pieces or [line]


def status(text: str, style: str = "") -> None:
    """How far a command has come: not its result, which alone goes to stdout."""
    prose(text, style, errors)


def harmless(text: str) -> str:
    """`text` with its control characters spelled out: what a test or a server said may hold any."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def error(text: str, hint: str = "") -> None:
    """What was wrong, and what to type next."""
    errors.print(f"[bold red]error:[/] {escape(harmless(text))}", soft_wrap=True)
    if hint:
        errors.print(f"Try: {escape(harmless(hint))}", soft_wrap=True)


def servers(servers: Servers) -> None:
    """The servers that answered, by the names they gave; and what no run shall be touched by."""
    pair = (servers.postgres, servers.mongodb)
    status("         " + " · ".join(str(server) for server in pair if server))
    for name, reason in servers.missing.items():
        status(f"         no {name}: {reason}", "yellow")
    foreign = foreign_plugins()
    if foreign:
        status(f"Switched off for these runs, as none of ours: pytest plugin {', '.join(foreign)}")


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar that counts the tests of a run from pytest's own lines; one plain line when piped."""
    if not errors.is_terminal:
        status(f"{title} …")
        yield lambda line: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def on_line(line: str) -> None:
            if "::" in line and line.rstrip().endswith("%]"):
                bar.advance(task)

        yield on_line


def outcomes(run: Run) -> None:
    """The table of a run: test, outcome, which message, which driver; a section a file."""
    table = of_tests("loop", "outcome", "message", "driver")
    file = ""
    for test in run.tests.values():
        path, _, name = test.nodeid.partition("::")
        if path != file:
            table.add_row(f"[dim]{escape(path)}[/]")
            file = path
        outcome = test.outcome if test.phase == "call" else f"{test.outcome} in {test.phase}"
        table.add_row(
            "  " + escape(name),
            test.loop or "",
            f"[{OUTCOME_STYLES[test.outcome]}]{outcome}[/]",
            KINDS[test.kind].short if test.kind else "",
            test.driver or "",
        )
    console.print(table)


def of_tests(*headings: str) -> Table:
    """An empty table with a line a test. Where the terminal is narrow, long names are cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("test", overflow="ellipsis")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def messages(run: Run, side: Side) -> None:
    """One failure of each message and driver, verbatim, with the sentence of why."""
    for test, error in first_failures(run):
        say("")
        whose = f" ({error.driver})" if error.driver else ""
        prose(f"{KINDS[error.kind].message}{whose}, in {test.nodeid}", "bold")
        say(f"  {error.type}: {error.message}", "red")
        say(f"  raised at {error.at}" if error.at else "  raised outside this repository's files")
        prose(f"  Why: {why(test, side)}")


def first_failures(run: Run) -> list[tuple[Test, Failure]]:
    """Of each message and driver the first test that failed so."""
    first: dict[tuple[str, str | None], tuple[Test, Failure]] = {}
    for test in run.tests.values():
        if test.error:
            first.setdefault((test.error.kind, test.error.driver), (test, test.error))
    return list(first.values())


def why(test: Test, side: Side) -> str:
    """The manifest's sentence, if the run is what it speaks of."""
    documented = side.documented(test.nodeid)
    if (test.outcome, test.kind) == (documented.outcome, documented.kind):
        return documented.why
    return "not as documented; see below."


def counts(run: Run) -> str:
    """ "13 of 27 tests fail: 7 asyncpg, 6 motor"."""
    drivers = failures_by_driver(run)
    text = f"{sum(drivers.values())} of {len(run.tests)} tests fail"
    named = ", ".join(f"{count} {driver}" for driver, count in sorted(drivers.items()))
    return f"{text}: {named}" if named else text


def lanes(run: Run, broken: Run) -> None:
    """The loops of a test of each half, as a picture; how to draw all of them."""
    recording = results.read_recording(run.side)
    tests = loops.worth_drawing(recording, run, broken)
    width = min(console.width, 100)
    if tests and recording.loops and width >= 60:
        say("")
        plain = needs_ascii(console.encoding)
        recordings = of_json(recording.document)
        for line in draw_lanes(recordings, width=width, ascii=plain, tests=tests):
            say(line)
    say(f"Whole picture: .venv/bin/whichloop lanes results/{run.side}/recording.json")


def differences(judgement: Judgement, run: Run) -> None:
    """Each difference from what is documented, and the versions in play."""
    for sentence in judgement.differences:
        prose(f"  {sentence}", "yellow")
    versions = " · ".join(f"{name} {version}" for name, version in run.versions.items())
    prose(f"  Versions in play: Python {versions.removeprefix('python ')}")
