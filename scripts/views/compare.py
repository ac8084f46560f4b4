"""`make compare`: all results in one matrix, and which remedy to use. Only reads results/."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rich import box
from rich.markup import escape
from rich.table import Table

from scripts.errors import CommandError
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side, SideKind
from scripts.verdict.against_broken import GROUPS, Grade, documented_verdicts, grade
from scripts.verdict.documented import judge, why_invalid
from scripts.verdict.words import CHANGES, VERDICTS, Change
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


@dataclass
class Comparison:
    """Every side that can be held against broken/'s run, with its grade; `lacking` maps what is
    wrong with a side's run to the sides of which it is."""

    documented: Manifest
    broken: Run
    graded: list[tuple[Side, Run, Grade]]
    lacking: dict[str, list[Side]]

    @property
    def wrong(self) -> list[Side]:
        """The sides that did not do what is documented."""
        return [side for side, _, grade in self.graded if not grade.as_documented]


def compare(as_json: bool = False) -> int:
    """Show the matrix and the guide; 0 if every side has a result and it is as documented.

    With `as_json` the grades alone go to stdout, as a JSON array.
    """
    comparison = read_comparison()
    if as_json:
        grades = [grade.to_data() for _, _, grade in comparison.graded]
        terminal.line(json.dumps(grades, indent=2))
    else:
        matrix(comparison)
        guide(comparison.documented)
    where = terminal.errors if as_json else terminal.console
    for why, sides in comparison.lacking.items():
        again = targets(sides, " ") if len(sides) <= FEW else "all-fixes"
        terminal.prose(f"\n{why}: {targets(sides)}.", "yellow", where)
        terminal.line(f"Next: make {again}", "yellow", where)
    if comparison.wrong:
        terminal.prose(f"\nNot as documented: {targets(comparison.wrong)}.", "bold red", where)
        terminal.line(f"Next: make {comparison.wrong[0].target}", "bold red", where)
    return 1 if comparison.lacking or comparison.wrong else 0


def read_comparison() -> Comparison:
    """Each side's grade, from its run.json and that of broken/: so what is said of its tests and of
    its price comes from the same run. Raises CommandError if there is no broken/ to compare with.
    """
    documented = manifest.load()
    broken = results.read_run("broken")
    if broken is None:
        raise CommandError("there are no results of this version yet", hint="make all-fixes")
    invalid = why_invalid(broken, documented)
    if invalid:
        raise CommandError(
            f"the last run of broken/ is INVALID, and every other is held against it: {invalid}",
            hint="make reproduce && make compare",
        )
    comparison = Comparison(documented, broken, [], {})
    for side in documented.side[1:]:
        run = results.read_run(side.id)
        why = other_circumstances(run, broken) if run else "No result yet of"
        if run is None or why:
            comparison.lacking.setdefault(why, []).append(side)
            continue
        judgement = judge(run, side, documented)
        comparison.graded.append((side, run, grade(broken, run, side, documented, judgement)))
    return comparison


def targets(sides: list[Side], between: str = ", ") -> str:
    """ "fix-3, trap-1"."""
    return between.join(side.target for side in sides)


def matrix(comparison: Comparison) -> None:
    """A line a side: what became of each test, and what it costs."""
    documented, broken = comparison.documented, comparison.broken
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)  # no more than 80 columns
    for heading in ("side", names_of_modules(documented), "mongo", "pg", "PG conns", "time"):
        table.add_column(heading, no_wrap=True)
    for side, run, graded in comparison.graded:
        table.add_row(*row(side, run, graded, broken, documented))
    terminal.console.print(table)
    terminal.prose(f"{legend_of_letters()}\n{LEGEND}")
    modules = (f"{name} = {path}" for path, name in short_names(documented).items())
    terminal.prose(f"Columns: {', '.join(modules)}.")
    versions = ", ".join(f"{name} {value}" for name, value in broken.versions.items())
    terminal.prose(f"Versions: {versions}")
    terminal.line()


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
    return {"backend": run.backend} | servers | versions


def row(side: Side, run: Run, graded: Grade, broken: Run, documented: Manifest) -> list[str]:
    """One side's line of the matrix."""
    counts = run.counts.get("postgres")
    connections = f"{counts.opened}/{counts.peak}/{counts.left_open}" if counts else ""
    seconds, before = run.duration_s, broken.duration_s
    mongo, postgres = (VERDICTS[graded.verdicts[group]] for group in GROUPS)
    return [
        escape(side.id),
        cells(graded, documented),
        mongo,
        "" if graded.invalid else postgres,
        connections,
        f"{seconds / before:.1f}" if seconds and before else "",
    ]


def legend_of_letters() -> str:
    """What each letter of the cells stands for."""
    parts = [
        f"{words.letter} {words.word}{words.legend and f': {words.legend}'}"
        for words in CHANGES.values()
    ]
    return f"{', '.join(parts)}."


def cells(graded: Grade, documented: Manifest) -> str:
    """A letter for each test, under the names of `names_of_modules`."""
    return " ".join(
        "".join(letter(graded.changes[nodeid]) for nodeid in nodeids) + " " * (width - len(nodeids))
        for nodeids, width in columns(documented)
    )


def letter(change: Change) -> str:
    """Its letter, in its colour."""
    words = CHANGES[change]
    return f"[{words.style}]{words.letter}[/]"


def names_of_modules(documented: Manifest) -> str:
    """The heading over the cells."""
    widths = (width for _, width in columns(documented))
    names = short_names(documented).values()
    return " ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))


def columns(documented: Manifest) -> list[tuple[list[str], int]]:
    """Each module's tests, and the width of what stands over them or of their letters."""
    names = short_names(documented)
    return [
        (nodeids, max(len(names[path]), len(nodeids)))
        for path, nodeids in by_module(documented).items()
    ]


def short_names(documented: Manifest) -> dict[str, str]:
    """{module: its name in the matrix}, in the order in which pytest runs them."""
    return {path: SHORT_NAMES.get(path, path) for path in by_module(documented)}


def by_module(documented: Manifest) -> dict[str, list[str]]:
    """The suite's node ids by their module, in the order in which pytest runs the modules."""
    modules: dict[str, list[str]] = {}
    for nodeid in documented.nodeids:
        modules.setdefault(nodeid.partition("::")[0], []).append(nodeid)
    return dict(sorted(modules.items()))


def guide(documented: Manifest) -> None:
    """Which one should I use? A short path of questions, the smallest whole cure first."""
    terminal.line("Which one should I use?", "bold")
    for step in documented.guide:
        terminal.prose(f"  {step.question}")
        names = ", ".join(documented.get(side).target for side in step.sides)
        terminal.prose(f"      → {names}: {step.answer}")


def listing(kind: SideKind) -> None:
    """The sides of a kind with their documented verdicts."""
    documented = manifest.load()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "title", "mongo", "postgres"):
        table.add_column(heading, overflow="fold")
    for side in documented.of(kind):
        verdicts = documented_verdicts(side, documented)
        table.add_row(side.target, escape(side.title), *(VERDICTS[verdicts[g]] for g in GROUPS))
    terminal.console.print(table)
    terminal.prose("How many of a driver's failing tests it cures: all, some or none.")
    terminal.line(f"Next: make {kind}-1")
