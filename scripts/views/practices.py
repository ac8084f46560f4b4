"""docs/practices.md: common advice, the remedies that follow it, and their measured price."""

from __future__ import annotations

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side
from scripts.sides.schema import Practice
from scripts.verdict.against_broken import amounts, documented_verdicts

PAGE = ROOT / "docs" / "practices.md"
INTRODUCTION = """\
# What common advice costs

Eight practices that report B recommends, each with the remedies that follow it and their price as
it was measured. Drawn by `python -m scripts practices` from the results of `make all-fixes`; a test
holds it against a run.

- **Motor, Postgres**: which of that driver's failing tests it cures: all, some or none.
- **connections**: to Postgres, opened / at the peak / left open at the end, over the suite's 18
  Postgres tests; asked of the server.
"""


def practices() -> int:
    """Write docs/practices.md from the results of the last runs."""
    documented = manifest.load()
    runs = {side.id: results.read_run(side.id) for side in documented.side}
    needed = {name for practice in documented.practice for name in practice.sides}
    lacking = sorted(name for name in needed if runs[name] is None)
    if lacking:
        raise CommandError(f"there is no result of {', '.join(lacking)}", hint="make all-fixes")
    complete = {name: run for name, run in runs.items() if run is not None}
    results.write(PAGE, page(documented, complete))
    return 0


def page(documented: Manifest, runs: dict[str, Run]) -> str:
    """The whole page. Pure: the manifest and the runs of the sides it names in, Markdown out."""
    broken = next(iter(runs.values()))
    servers = " and ".join(str(server) for server in broken.servers.values() if server)
    parts = [INTRODUCTION, f"Measured on {servers}."]
    parts += [section(practice, documented, runs) for practice in documented.practice]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def section(practice: Practice, documented: Manifest, runs: dict[str, Run]) -> str:
    """One practice."""
    lines = [f"## {practice.id}: {practice.text}", "", practice.finding, ""]
    lines += ["| | Motor | Postgres | connections |", "|---|---|---|---|"]
    lines += [line(documented.get(name), runs[name], documented) for name in practice.sides]
    return "\n".join(lines)


def line(side: Side, run: Run, documented: Manifest) -> str:
    """One remedy's line: what it cures and what it costs."""
    mongo, postgres = amounts(documented_verdicts(side, documented))
    counts = run.counts["postgres"]
    price = f"{counts.opened} / {counts.peak} / {counts.left_open}"
    link = f"[{side.name}](../{side.folder}/README.md): {side.title}"
    return f"| {link} | {mongo} | {postgres} | {price} |"
