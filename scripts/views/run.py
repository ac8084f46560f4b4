"""What a person sees of a run: its servers, its tests, their messages and loops."""

from collections.abc import Callable

from rich import box
from rich.markup import escape
from rich.table import Table
from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.recording import of_json

from scripts.run import results
from scripts.run.environment import plugins_not_in
from scripts.run.model import Failure, Run, Test
from scripts.servers.model import Servers
from scripts.sides.manifest import Side
from scripts.verdict.documented import failures_by_driver, outcome_of
from scripts.verdict.words import KINDS, OUTCOMES
from scripts.views import terminal

NO_LOOP = (
    "The column of loops is empty: whichloop learns from a loop's run_forever which test runs on"
    " it, and these loops have another one (nest_asyncio, for one, puts its own there)."
)
MIN_WIDTH, MAX_WIDTH = 60, 100  # of a picture of loops


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


def print_messages(run: Run, side: Side) -> None:
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
    drivers = failures_by_driver(run)
    text = f"{sum(drivers.values())} of {len(run.tests)} tests fail"
    named = ", ".join(f"{count} {driver}" for driver, count in sorted(drivers.items()))
    return f"{text}: {named}" if named else text


def print_lanes(run: Run, broken: Run) -> None:
    """The loops of a test of each half, as a picture; how to draw all of them."""
    recording = results.read_recording(run.side)
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
