"""The part of README.md that is drawn from the manifests; a test holds it against staleness."""

from __future__ import annotations

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.run import results
from scripts.sides import manifest
from scripts.sides.manifest import NOUNS, Manifest
from scripts.verdict.against_broken import amounts, documented_verdicts

README = ROOT / "README.md"
BEGIN = "<!-- remedies: drawn by `python -m scripts readme` -->"
END = "<!-- remedies: end -->"


def table(documented: Manifest) -> str:
    """The table of remedies and that of traps, as Markdown."""
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


def drawn(text: str, documented: Manifest) -> str:
    """README.md with the tables drawn anew. Raises CommandError if it has no place for them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CommandError(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table(documented)}\n{END}{after}"


def readme() -> int:
    """Draw the tables into README.md."""
    results.write(README, drawn(README.read_text("utf-8"), manifest.load()))
    return 0
