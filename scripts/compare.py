"""`make compare`: all results in one matrix, and which remedy to use. Only reads results/."""

from __future__ import annotations

import json
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from scripts import manifest, results, show
from scripts.errors import CommandError
from scripts.grade import CLASSES
from scripts.manifest import Manifest, Side
from scripts.paths import RESULTS
from scripts.results import SCHEMA_VERSION, Run

LETTERS = {
    "FAIL_TO_PASS": "[green]C[/]",
    "FAIL_TO_FAIL": "[red]x[/]",
    "PASS_TO_PASS": "[dim].[/]",
    "PASS_TO_FAIL": "[bold red]B[/]",
    "flaky": "[yellow]~[/]",
    "flipped": "[yellow]?[/]",
    "not_on_both": "[yellow]-[/]",
}
VERDICTS = {
    "RESOLVED_FULL": "full",
    "RESOLVED_PARTIAL": "part",
    "RESOLVED_NO": "none",
    "INVALID": "INVALID",
}


def compare() -> int:
    """Show the matrix and the guide; 0 if every side has a result and it is as documented."""
    documented = manifest.load()
    broken = results.read_run("broken")
    if broken is None:
        raise CommandError("there are no results of this version yet", hint="make all-fixes")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("side", letters_of_modules(documented), "mongo", "pg", "PG conns", "time"):
        table.add_column(heading, no_wrap=True)
    lacking, wrong = [], []
    for side in documented.side[1:]:
        run, graded = results.read_run(side.id), read_grade(side)
        if run is None or graded is None:
            lacking.append(side.target)
            continue
        if not graded["as_documented"]:
            wrong.append(side.target)
        table.add_row(*row(side, run, graded, broken, documented))
    show.console.print(table)
    show.say(
        "C cured   x still fails   . still passes   B broke   ~ flaky   ? flipped   - not on both\n"
        "PG conns: opened / at the peak / left open, by what Postgres said. Time: × broken.\n"
        f"Columns: {', '.join(path for path in by_module(documented))}.\n"
        f"Versions: {', '.join(f'{key} {value}' for key, value in broken.data['versions'].items())}"
    )
    show.say("")
    guide(documented)
    if lacking:
        show.say(f"\nNo result yet of: {', '.join(lacking)}. Next: make all-fixes", "yellow")
    if wrong:
        show.say(f"\nNot as documented: {', '.join(wrong)}. Next: make {wrong[0]}", "bold red")
    return 1 if lacking or wrong else 0


def row(
    side: Side, run: Run, graded: dict[str, Any], broken: Run, documented: Manifest
) -> list[str]:
    """One side's line of the matrix."""
    counts = run.data.get("counts", {}).get("postgres")
    connections = (
        "/".join(str(counts[k]) for k in ("opened", "peak", "left_open")) if counts else ""
    )
    ratio = run.data["duration_s"] / broken.data["duration_s"]
    return [
        escape(side.id),
        cells(graded, documented),
        VERDICTS[graded["per_group"]["mongo"]],
        VERDICTS[graded["per_group"]["postgres"]],
        connections,
        f"{ratio:.1f}",
    ]


def cells(graded: dict[str, Any], documented: Manifest) -> str:
    """A letter for each test, a space between modules, in the order of `letters_of_modules`."""
    found = {nodeid: name for name in CLASSES for nodeid in graded[name]}
    for name in ("flaky", "flipped", "not_on_both"):
        found |= dict.fromkeys(graded[name], name)
    return " ".join(
        "".join(LETTERS[found.get(nodeid, "not_on_both")] for nodeid in nodeids)
        for nodeids in by_module(documented).values()
    )


def letters_of_modules(documented: Manifest) -> str:
    """The heading over the cells: the modules' names, each as wide as its tests."""
    short = (
        (path.removeprefix("test_").removesuffix(".py"), len(nodeids))
        for path, nodeids in by_module(documented).items()
    )
    return " ".join(name[:width].ljust(width) for name, width in short)


def by_module(documented: Manifest) -> dict[str, list[str]]:
    """The suite's node ids by their module."""
    modules: dict[str, list[str]] = {}
    for nodeid in documented.nodeids:
        modules.setdefault(nodeid.partition("::")[0], []).append(nodeid)
    return modules


def guide(documented: Manifest) -> None:
    """Which one should I use? A short path of questions, the smallest whole cure first."""
    show.say("Which one should I use?", "bold")
    for step in documented.guide:
        show.say(f"  {step.question}")
        names = ", ".join(documented.get(side).target for side in step.sides)
        show.say(f"      → {names}: {step.answer}")


def read_grade(side: Side) -> dict[str, Any] | None:
    """`results/compare/<side>.json`; None if there is none that this version can read."""
    try:
        data = json.loads((RESULTS / "compare" / f"{side.id}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if data.get("schema_version") == SCHEMA_VERSION else None


def listing(kind: str) -> None:
    """The sides of a kind with their documented verdicts."""
    documented = manifest.load()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "title", "mongo", "postgres"):
        table.add_column(heading, overflow="fold")
    for side in documented.of(kind):
        assert side.verdict is not None
        mongo, postgres = VERDICTS[side.verdict.mongo], VERDICTS[side.verdict.postgres]
        table.add_row(side.target, escape(side.title), mongo, postgres)
    show.console.print(table)
    show.say("full: cures all of a group's failing tests; part: some of them; none.")
    show.say(f"Next: make {kind}-1")
