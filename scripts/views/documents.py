"""What is drawn from the manifests: the tables of README.md, docs/practices.md with the prices, and
docs/foreseen.md from the zoo's `expected.toml`. Tests hold all of them against staleness.
"""

import tomllib
from pathlib import Path

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import NOUNS, Manifest
from scripts.sides.schema import Practice
from scripts.verdict.grade import amounts, documented_verdicts

README = ROOT / "README.md"
BEGIN = "<!-- remedies: drawn by `python -m scripts readme` -->"
END = "<!-- remedies: end -->"
PAGE = ROOT / "docs" / "practices.md"
FORESEEN = ROOT / "docs" / "foreseen.md"
FORESEEN_INTRODUCTION = """\
# What whichloop's audit foresees of the zoo

Each suite of `tests/zoo/`, and what `pytest --whichloop-audit` says of it before anything runs:
**certain** (it exits 1), a *note* (it exits 0), or nothing, and then why that cannot be seen. Of
healthy suites nothing is certain. Drawn by `python -m scripts foreseen` from each suite's
`expected.toml`, to which `make test-whichloop` holds the audit; the codes are explained by
`whichloop explain WL001`.
"""
INTRODUCTION = """\
# What common advice costs

Eight practices that report B recommends, each with the remedies that follow it and their price as
it was measured. Drawn by `python -m scripts practices` from the results of `make all-fixes`; a test
holds it against a run.

- **Motor, Postgres**: which of that driver's failing tests it cures: all, some or none.
- **connections**: to Postgres, opened / at the peak / left open at the end, over the suite's 18
  Postgres tests; asked of the server.
"""


def readme() -> int:
    results.write(README, with_tables(README.read_text("utf-8"), manifest.load()))
    return 0


def tables(documented: Manifest) -> str:
    parts = []
    for kind, heading in NOUNS.items():
        lines = [f"| {heading} | | Motor | Postgres |", "|---|---|---|---|"]
        for side in documented.of(kind):
            verdicts = amounts(documented_verdicts(side, documented))
            mongo, postgres = ("**all**" if word == "all" else word for word in verdicts)
            link = f"[{side.title}]({side.folder}/README.md)"
            lines.append(f"| `make {side.target}` | {link} | {mongo} | {postgres} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def with_tables(text: str, documented: Manifest) -> str:
    """README.md with the tables drawn anew. Raises CommandError if it has no place for them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CommandError(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{tables(documented)}\n{END}{after}"


def practices() -> int:
    """Write docs/practices.md from the results of the last runs."""
    documented = manifest.load()
    read = {side.id: results.read_run(side.id) for side in documented.side}
    runs = {name: run for name, run in read.items() if run}
    lacking = {name for practice in documented.practice for name in practice.sides} - set(runs)
    if lacking:
        names = ", ".join(sorted(lacking))
        raise CommandError(f"there is no result of {names}", hint="make all-fixes")
    results.write(PAGE, page(documented, runs))
    return 0


def page(documented: Manifest, runs: dict[str, Run]) -> str:
    """The whole page. Pure: the manifest and the runs of the sides it names in, Markdown out."""
    broken = next(iter(runs.values()))
    servers = " and ".join(str(server) for server in broken.servers.values() if server)
    parts = [INTRODUCTION, f"Measured on {servers}."]
    parts += [section(practice, documented, runs) for practice in documented.practice]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def section(practice: Practice, documented: Manifest, runs: dict[str, Run]) -> str:
    """One practice, with a line for each remedy: what it cures and what it costs."""
    lines = [f"## {practice.id}: {practice.text}", "", practice.finding, ""]
    lines += ["| | Motor | Postgres | connections |", "|---|---|---|---|"]
    for name in practice.sides:
        side, counts = documented.get(name), runs[name].counts["postgres"]
        mongo, postgres = amounts(documented_verdicts(side, documented))
        price = f"{counts.opened} / {counts.peak} / {counts.left_open}"
        link = f"[{side.name}](../{side.folder}/README.md): {side.title}"
        lines.append(f"| {link} | {mongo} | {postgres} | {price} |")
    return "\n".join(lines)


def foreseen() -> int:
    """Write docs/foreseen.md."""
    results.write(FORESEEN, foreseen_page(ROOT / "tests" / "zoo"))
    return 0


def foreseen_page(zoo: Path) -> str:
    """The page of what the audit says of every suite in a folder, the sick before the healthy."""
    rows: dict[bool, list[str]] = {False: [], True: []}
    counts = {"certain": 0, "only noted": 0, "not foreseen": 0}
    for file in sorted(zoo.glob("*/expected.toml")):
        suite, name = tomllib.loads(file.read_text("utf-8")), file.parent.name
        audit, healthy = suite.get("audit", {}), suite.get("healthy", False)
        sure = [f"**{code}**" for code in audit.get("foreseen", [])]
        told = ", ".join([*sure, *(f"*note {code}*" for code in audit.get("notes", []))])
        if not healthy:
            counts["certain" if sure else "only noted" if told else "not foreseen"] += 1
        cause = "healthy" if healthy else suite["finding"]["cause"]
        rows[healthy].append(f"| {name} | {cause} | {told or audit.get('not_foreseen', '')} |")
    summary = ", ".join(f"{count} {word}" for word, count in counts.items())
    head = [FORESEEN_INTRODUCTION, f"Of {len(rows[False])} sick suites: {summary}.", ""]
    head += ["| suite | cause | foreseen |", "|---|---|---|"]
    return "\n".join([*head, *rows[False], *rows[True]]) + "\n"
