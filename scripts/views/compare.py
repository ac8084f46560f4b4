"""`make compare`: all results in one matrix, and which remedy to use. Only reads results/."""

import json

from rich import box
from rich.markup import escape
from rich.table import Table

from scripts.errors import CommandError
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side, SideKind
from scripts.verdict.grade import Grade, amounts, documented_verdicts, grade, why_invalid
from scripts.verdict.words import CHANGES, Change
from scripts.views import terminal

# The modules of the suite, over their tests' letters.
SHORT_NAMES = {
    "test_chat_service_e2e.py": "chat",
    "test_conversation_api.py": "api",
    "test_conversation_dao.py": "dao",
    "test_conversation_reads.py": "read",
    "test_job_flows.py": "flow",
    "test_jobs.py": "jobs",
    "test_jobs_http.py": "http",
    "test_simple_async.py": "ctl",
}
LEGEND = """\
mongo, pg: how many of that driver's failing tests are cured: all, some or none.
PG conns: opened / at the peak / left open, by what Postgres said. time: × broken."""
# Up to so many sides are named in the command that runs them again.
FEW = 3


def compare(as_json: bool = False) -> int:
    """Show the matrix and the guide; 0 if every side has a result and it is as documented.

    With `as_json` the grades alone go to stdout, as a JSON array. A side's grade comes from its
    run.json and that of broken/: so what is said of its tests and of its price is of one run.
    """
    documented = manifest.load()
    broken = baseline(documented)
    graded: list[tuple[Run, Grade]] = []
    lacking: dict[str, list[Side]] = {}  # by what is wrong with their runs
    for side in documented.side[1:]:
        run = results.read_run(side.id)
        why = other_circumstances(run, broken) if run else "No result yet of"
        if run is None or why:
            lacking.setdefault(why, []).append(side)
        else:
            graded.append((run, grade(broken, run, side, documented)))
    if as_json:
        terminal.line(json.dumps([result.to_data() for _, result in graded], indent=2))
    else:
        matrix(graded, broken, documented)
        guide(documented)
    where = terminal.errors if as_json else terminal.console
    for why, sides in lacking.items():
        again = targets(sides, " ") if len(sides) <= FEW else "all-fixes"
        terminal.prose(f"\n{why}: {targets(sides)}.", "yellow", where)
        terminal.line(f"Next: make {again}", "yellow", where)
    wrong = [documented.get(result.side) for _, result in graded if not result.as_documented]
    if wrong:
        terminal.prose(f"\nNot as documented: {targets(wrong)}.", "bold red", where)
        terminal.line(f"Next: make {wrong[0].target}", "bold red", where)
    return 1 if lacking or wrong else 0


def baseline(documented: Manifest) -> Run:
    """The last run of broken/. Raises CommandError if nothing can be held against it."""
    broken = results.read_run("broken")
    if broken is None:
        raise CommandError("there are no results of this version yet", hint="make all-fixes")
    invalid = why_invalid(broken, documented)
    if invalid:
        raise CommandError(
            f"the last run of broken/ is INVALID, and every other is held against it: {invalid}",
            hint="make reproduce && make compare",
        )
    return broken


def targets(sides: list[Side], between: str = ", ") -> str:
    """ "fix-3, trap-1"."""
    return between.join(side.target for side in sides)


def matrix(graded: list[tuple[Run, Grade]], broken: Run, documented: Manifest) -> None:
    """A line a side: what became of each test, and what it costs."""
    modules = by_module(documented)
    names = {path: SHORT_NAMES.get(path, path) for path in modules}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)  # no more than 80 columns
    for heading in ("side", *names.values(), "mongo", "pg", "PG conns", "time"):
        table.add_column(heading, no_wrap=True)
    for run, result in graded:
        mongo, postgres = amounts(result.verdicts)
        counts = run.counts.get("postgres")
        has_times = run.duration_s and broken.duration_s
        table.add_row(
            result.side,
            *(
                "".join(letter(result.changes[test]) for test in tests)
                for tests in modules.values()
            ),
            mongo,
            "" if result.invalid else postgres,
            f"{counts.opened}/{counts.peak}/{counts.left_open}" if counts else "",
            f"{run.duration_s / broken.duration_s:.1f}" if has_times else "",
        )
    terminal.console.print(table)
    legend = (
        f"{words.letter} {words.word}{words.legend and f': {words.legend}'}"
        for words in CHANGES.values()
    )
    terminal.prose(f"{', '.join(legend)}.\n{LEGEND}")
    columns = ", ".join(f"{name} = {path}" for path, name in names.items())
    terminal.prose(f"Columns: {columns}.")
    versions = ", ".join(f"{name} {value}" for name, value in broken.versions.items())
    terminal.prose(f"Versions: {versions}")
    terminal.line()


def letter(change: Change) -> str:
    words = CHANGES[change]
    return f"[{words.style}]{words.letter}[/]"


def other_circumstances(run: Run, broken: Run) -> str:
    """How the run's circumstances differ from those of broken/'s run, or "": it cannot be graded
    then, for a difference between the two might be the remedy's or that of the versions."""
    here, there = circumstances(run), circumstances(broken)
    differing = [
        f"{here.get(name, 'none')} and not {there.get(name, 'none')}"
        for name in dict.fromkeys([*there, *here])
        if here.get(name) != there.get(name)
    ]
    return f"Run with {', '.join(differing)} as broken/ was" if differing else ""


def circumstances(run: Run) -> dict[str, str]:
    """The circumstances of a run by their names: "embedded", "PostgreSQL 18.4", "motor 3.7"."""
    servers = {name: str(server or f"no {name}") for name, server in run.servers.items()}
    versions = {name: f"{name} {value}" for name, value in run.versions.items()}
    return {"backend": run.place} | servers | versions


def by_module(documented: Manifest) -> dict[str, list[str]]:
    """The suite's node ids by their module, in the order in which pytest runs the modules."""
    modules = {nodeid: nodeid.partition("::")[0] for nodeid in documented.nodeids}
    return {
        module: [nodeid for nodeid in documented.nodeids if modules[nodeid] == module]
        for module in sorted(set(modules.values()))
    }


def guide(documented: Manifest) -> None:
    """Which one should I use? A short path of questions, the smallest whole cure first."""
    terminal.line("Which one should I use?", "bold")
    for step in documented.guide:
        terminal.prose(f"  {step.question}")
        names = ", ".join(documented.get(side).target for side in step.sides)
        terminal.prose(f"      → {names}: {step.answer}")


def listing(kind: SideKind) -> None:
    documented = manifest.load()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "title", "mongo", "postgres"):
        table.add_column(heading, overflow="fold")
    for side in documented.of(kind):
        verdicts = amounts(documented_verdicts(side, documented))
        table.add_row(side.target, escape(side.title), *verdicts)
    terminal.console.print(table)
    terminal.prose("How many of a driver's failing tests it cures: all, some or none.")
    terminal.line(f"Next: make {kind}-1")
