"""What a person sees of a run: its servers, its tests, their messages and loops; and of a remedy's:
what it cures, and its price."""

import re
from collections import Counter
from collections.abc import Callable

from rich import box
from rich.markup import escape
from rich.table import Table
from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.recording import of_json

from scripts.run import results
from scripts.run.environment import plugins_not_in
from scripts.run.model import Failure, Recording, Run, Test
from scripts.servers.model import Servers
from scripts.sides.manifest import Side
from scripts.verdict.grade import Grade, outcome_of
from scripts.verdict.words import CHANGES, KINDS, OUTCOMES, SERVERS, VERDICTS, Kind
from scripts.views import terminal

NO_LOOP = (
    "The column of loops is empty: whichloop learns from a loop's run_forever which test runs on"
    " it, and these loops have another one (nest_asyncio, for one, puts its own there)."
)
MIN_WIDTH, MAX_WIDTH = 60, 100  # of a picture of loops
# As in a message: "running at /home/me/suite/test_jobs.py:15", "> cb=[…]> got Future".
PATH = re.compile(r"(?<= at )/[^>\]]*?([^/>\]]+/[^/>\]]+\.py:\d+)")
CALLBACKS = re.compile(r"(> cb=)\[[^\]]*\](?=> got Future)")
# The fields of ConnectionCounts, in words.
COUNTED = ("opened", "at the peak", "left open")


def print_servers(servers: Servers) -> None:
    """The servers that answered, by the names they gave; and what no run shall be touched by."""
    pair = (servers.postgres, servers.mongodb)
    terminal.status("         " + " · ".join(str(server) for server in pair if server))
    for name, reason in servers.missing.items():
        terminal.status(f"         no {name}: {reason}", "yellow")
    plugins = ", ".join(plugins_not_in("run.txt", "dev.txt"))
    if plugins:
        terminal.status(f"Switched off for these runs, as none of ours: pytest plugin {plugins}")


def print_outcomes(run: Run) -> None:

    def cells(test: Test) -> tuple[str, ...]:
        outcome = OUTCOMES[outcome_of(test)]
        kind = KINDS[test.kind].short if test.kind else ""
        return f"[{outcome.style}]{outcome.word}[/]", kind, test.driver or ""

    print_tests(run, ("outcome", "message", "driver"), cells)


def print_tests(
    run: Run, headings: tuple[str, ...], cells: Callable[[Test], tuple[str, ...]]
) -> None:
    """A table with a line a test, under the names of their files: its loop, and its `cells`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("test", overflow="ellipsis")  # where the terminal is narrow
    for heading in ("loop", *headings):
        table.add_column(heading, no_wrap=True)
    file = ""
    for test in run.tests.values():
        path, _, name = test.nodeid.partition("::")
        if path != file:
            table.add_row(f"[dim]{escape(path)}[/]")
            file = path
        table.add_row("  " + escape(name), test.loop or "", *cells(test))
    terminal.console.print(table)
    if run.loops and not any(test.loop for test in run.tests.values()):
        terminal.prose(NO_LOOP)


def print_failures(run: Run, side: Side) -> None:
    """The first failures, verbatim, with the sentence of why."""
    for test, error in first_failures(run):
        driver = f" ({error.driver})" if error.driver else ""
        terminal.line()
        terminal.prose(f"{KINDS[error.kind].message}{driver}, {place(test)}", "bold")
        terminal.line(f"  {error.type}: {error.message}", "red")
        where = f"at {error.at}" if error.at else "outside this repository's files"
        terminal.line(f"  raised {where}")
        documented = side.documented[test.nodeid]
        same = (outcome_of(test), test.kind) == (documented.outcome, documented.kind)
        terminal.prose(f"  Why: {documented.why if same else 'not as documented; see below.'}")


def first_failures(run: Run) -> list[tuple[Test, Failure]]:
    """Of each message, driver and phase the first test that failed so."""
    first: dict[tuple[str, str | None, str], tuple[Test, Failure]] = {}
    for test in run.tests.values():
        if test.error:
            seen = (test.error.kind, test.error.driver, test.phase)
            first.setdefault(seen, (test, test.error))
    return list(first.values())


def place(test: Test) -> str:
    """Where in the run of the test it failed."""
    return f"in {'' if test.phase == 'call' else f'the {test.phase} of '}{test.nodeid}"


def counts(run: Run) -> str:
    """ "17 of 30 tests fail: 11 asyncpg, 6 motor"."""
    failing = [test for test in run.tests.values() if test.outcome in ("failed", "error")]
    drivers = Counter(test.driver or "no driver" for test in failing)
    text = f"{len(failing)} of {len(run.tests)} tests fail"
    named = ", ".join(f"{count} {driver}" for driver, count in sorted(drivers.items()))
    return f"{text}: {named}" if named else text


def print_lanes(run: Run, broken: Run) -> None:
    """The loops of a test of each half, as a picture; how to draw all of them."""
    recording = Recording.read(results.folder(run.side) / "recording.json")
    tests = recording.worth_drawing(run, broken)
    width = min(terminal.console.width, MAX_WIDTH)
    if tests and recording.loops and width >= MIN_WIDTH:
        terminal.line()
        ascii_only = needs_ascii(terminal.console.encoding)
        recordings = of_json(recording.document)
        for lane in draw_lanes(recordings, width=width, ascii=ascii_only, tests=tests):
            terminal.line(lane)
    terminal.line(f"Whole picture: .venv/bin/whichloop lanes results/{run.side}/recording.json")


def print_invalid(invalid: str, side: str) -> None:
    terminal.prose(f"INVALID: {invalid}", "bold red")
    terminal.line(f"The whole output: results/{side}/output.txt")


def print_differences(differences: tuple[str, ...], run: Run) -> None:
    """Each difference from what is documented, and the versions in play."""
    for sentence in differences:
        terminal.prose(f"  {sentence}", "yellow")
    versions = " · ".join(f"{name} {version}" for name, version in run.versions.items())
    terminal.prose(f"  Versions in play: Python {versions.removeprefix('python ')}")


def print_headline(side: Side, grade: Grade) -> None:
    """ "Remedy 3 cures 8 of 17 failing tests (MongoDB all, Postgres some): as documented."."""
    cured, flaky, broke = (
        len(grade.having(change)) for change in ("FAIL_TO_PASS", "flaky", "PASS_TO_FAIL")
    )
    groups = ", ".join(
        f"{name} {VERDICTS[grade.verdicts[group]]}" for group, name in SERVERS.items()
    )
    text = f"{side.name} cures {cured} of {grade.failing_before} failing tests ({groups})"
    if flaky:
        text += f", makes {flaky} flaky"
    if broke:
        text += f", breaks {broke}"
    text += f": {'as documented' if grade.as_documented else 'NOT as documented'}."
    terminal.prose(f"{side.name}: INVALID." if grade.invalid else text, "bold")
    terminal.prose(f"{side.title} ({side.folder})")


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
