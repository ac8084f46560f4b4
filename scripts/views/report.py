"""`make report`: results/report.html, one page of what happened on this machine.

The page is a view: of the manifests, the sides' files, the last runs, and whatever of docs/data is
measured once. What happens on a click, and all of its style, is in templates/.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from whichloop.present.html import draw_html, lanes_html
from whichloop.present.style import HTML_STYLE

from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Run, Test
from scripts.sides import diffs, manifest
from scripts.sides.manifest import NOUNS, Manifest, Side
from scripts.verdict.grade import (
    Grade,
    amounts,
    documented_verdicts,
    grade,
    outcome_of,
    why_invalid,
)
from scripts.verdict.words import CHANGES, KINDS, OUTCOMES, VERDICTS, Change
from scripts.views import terminal
from scripts.views.evidence import Evidence, from_results, from_sample, to_sample
from scripts.views.run import COUNTED, counts, first_failures, place, shortened, words

DATA = ROOT / "docs" / "data"
SAMPLE, SAMPLE_PAGE = DATA / "sample.json", ROOT / "docs" / "sample-report.html"
TEMPLATES = Path(__file__).with_name("templates")
# What is measured once, each a section of its own: docs/data/NAME.json, templates/NAME.html.
MEASURED = ("claims", "matrix", "price")
# A longer table is cut, and says by how much.
MAX_ROWS = 40
# Tests that say more about a side come first into a table that is cut.
TELLING: tuple[Change, ...] = ("PASS_TO_FAIL", "flaky", "FAIL_TO_PASS", "FAIL_TO_FAIL")
# Where a remedy comes from, for the filter: words of the manifest's `source`.
SOURCES = {
    "Report A": "report A",
    "Report B": "report B",
    "Popular advice": "popular|many answers",
    "A library's documentation": "https?://",
}
# In a message: what an object's repr says, which stands between < and >.
INSIDE = re.compile(r"<(?:[^<>]|<[^<>]*>)*>")


@dataclass(frozen=True)
class Row:
    """A test from broken/ to a side, in words."""

    module: str
    name: str
    before: str
    after: str
    change: Change
    message: str


@dataclass(frozen=True)
class View:
    """What the page says of one side. `amounts` are how much it cures: of Motor's tests, of
    Postgres's, and over all; of the manifest where there is no run, which `lacking` then says."""

    side: Side
    amounts: list[str]
    verdict: str
    lacking: str
    grade: Grade | None
    rows: list[Row]
    more: int
    errors: list[tuple[str, str, int]]
    price: list[tuple[str, str, str]]
    lanes: str

    @property
    def sources(self) -> list[str]:
        named = (name for name, text in SOURCES.items() if re.search(text, self.side.source, re.I))
        return list(named) or ["Other remedies"]

    @property
    def diff(self) -> list[str]:
        return diffs.unified(self.side).splitlines()

    def having(self, change: Change) -> int:
        return len(self.grade.having(change)) if self.grade else 0


def report(sample: bool = False, write: bool = False, anew: bool = False) -> int:
    """Draw the page; 0 if every side has a result, else 1: it is drawn as far as that goes.

    With `sample` hold docs/sample-report.html against docs/data/sample.json, and with `write` draw
    it, after that file, with `anew`, was made from results/.
    """
    documented = manifest.load()
    if sample:
        return sample_page(documented, write, anew)
    evidence = from_results(documented)
    path = results.folder("") / "report.html"
    results.write(path, page(documented, evidence, measured()))
    terminal.line(f"Written: {path}")
    for problem, command in evidence.problems.items():
        terminal.prose(problem, "yellow")
        terminal.line(f"Next: {command} report", "yellow")
    return 1 if evidence.problems else 0


def sample_page(documented: Manifest, write: bool, anew: bool) -> int:
    if write and anew:
        evidence = from_results(documented)
        for problem, command in evidence.problems.items():
            raise CommandError(f"the sample needs every side. {problem}", hint=command)
        results.write(SAMPLE, to_sample(evidence))
    drawn = page(documented, from_sample(SAMPLE), {})
    if write:
        results.write(SAMPLE_PAGE, drawn)
    elif not SAMPLE_PAGE.exists() or SAMPLE_PAGE.read_text("utf-8") != drawn:
        terminal.line("docs/sample-report.html is not what docs/data/sample.json gives", "bold red")
        terminal.line("Next: python -m scripts report --sample --write")
        return 1
    return 0


def measured() -> dict[str, Any]:
    """What docs/data has for sections of the page; a file that is damaged has none."""
    sections = {}
    for name in MEASURED:
        with suppress(OSError, ValueError):
            sections[name] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return sections


def page(documented: Manifest, evidence: Evidence, sections: Mapping[str, Any]) -> str:
    """The whole page as HTML. Pure but for the files of the sides, and the templates."""
    broken = evidence.runs.get("broken")
    invalid = why_invalid(broken, documented) if broken else ""
    if broken and invalid:
        evidence.problems[f"The last run of broken/ is INVALID: {invalid}."] = "make reproduce"
        broken = None
    views = [view(side, documented, evidence, broken) for side in documented.side[1:]]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    whole = evidence.recorded("broken", whole=True)
    environment.filters["elided"] = lambda message: INSIDE.sub("…", message)
    return environment.get_template("report.html").render(
        about=evidence.about,
        acts=list(acts(broken, documented)) if broken else [],
        broken=broken,
        changes=CHANGES,
        counts=counts,
        documented=documented,
        explained=draw_html(whole) if whole else "",
        lanes=lanes(evidence, "broken", broken),
        matrix=matrix(views, broken),
        nouns=NOUNS,
        problems=evidence.problems,
        recommended=next(view for view in views if view.side.id == documented.recommended),
        sections=sections,
        sources=sorted({source for view in views for source in view.sources}),
        style=HTML_STYLE,
        views=views,
    )


def view(side: Side, documented: Manifest, evidence: Evidence, broken: Run | None) -> View:
    run = evidence.runs.get(side.id)
    if run is None or broken is None:
        verdicts = documented_verdicts(side, documented)
        lacking = f"Not run yet: what the manifest documents. make {side.target}"
        verdict = VERDICTS[verdicts["overall"]]
        return View(side, amounts(verdicts), verdict, lacking, None, [], 0, [], [], "")
    graded = grade(broken, run, side, documented)
    rows = [row(test, graded.changes[test], broken, run) for test in telling(graded.changes)]
    lacking = f"INVALID: {graded.invalid}" if graded.invalid else ""
    if not graded.invalid and not graded.as_documented:
        lacking = f"Not as documented: {'; '.join(graded.differences[:3])}"
    return View(
        side,
        amounts(graded.verdicts),
        VERDICTS[graded.verdicts["overall"]],
        lacking,
        graded,
        rows,
        len(graded.changes) - len(rows),
        errors(run),
        price(broken, run),
        lanes(evidence, side.id, broken),
    )


def row(nodeid: str, change: Change, broken: Run, run: Run) -> Row:
    module, _, name = nodeid.partition("::")
    before, after = broken.tests.get(nodeid), run.tests.get(nodeid)
    failed = after and after.kind and words(after.kind, after.driver)
    return Row(module, name, outcome(before), outcome(after), change, failed or "")


def outcome(test: Test | None) -> str:
    return OUTCOMES[outcome_of(test)].word if test else "did not run"


def telling(changes: Mapping[str, Change]) -> list[str]:
    """As many tests as a table takes, in their order: those of which something changed go first."""
    order = {change: at for at, change in enumerate(TELLING)}
    ranked = sorted(changes, key=lambda nodeid: order.get(changes[nodeid], len(order)))
    kept = set(ranked[:MAX_ROWS])
    return [nodeid for nodeid in changes if nodeid in kept]


def errors(run: Run) -> list[tuple[str, str, int]]:
    """The first failure of each kind: where, its message, and how many more are like it."""
    kinds = Counter((test.kind, test.driver, test.phase) for test in run.tests.values())
    return [
        (
            place(test),
            shortened(f"{error.type}: {error.message}"),
            kinds[error.kind, error.driver, test.phase] - 1,
        )
        for test, error in first_failures(run)
    ]


def price(broken: Run, run: Run) -> list[tuple[str, str, str]]:
    """What a side costs: what is counted, here, on broken/."""
    rows = []
    for server, counted in run.counts.items():
        before = broken.counts.get(server)
        for (key, count), label in zip(counted, COUNTED, strict=True):
            name = f"{'Postgres' if server == 'postgres' else 'MongoDB'} connections {label}"
            rows.append((name, str(count), str(getattr(before, key, "–"))))
    if run.duration_s and broken.duration_s:
        rows.append(("Time, as a ratio", f"{run.duration_s / broken.duration_s:.2f}", "1"))
    return rows


def lanes(evidence: Evidence, side: str, broken: Run | None) -> str:
    """The lanes of the story's tests, on a side."""
    recording = evidence.recorded(side)
    return lanes_html(recording, evidence.drawn) if recording and broken else ""


def acts(broken: Run, documented: Manifest) -> Iterator[dict[str, str]]:
    """The story's errors: the first of each message, driver and phase, with the sentence of why."""
    side = documented.get("broken")
    for test, error in first_failures(broken):
        expected = side.documented[test.nodeid]
        same = (outcome_of(test), test.kind) == (expected.outcome, expected.kind)
        yield {
            "head": (error.driver or KINDS[error.kind].message)
            + ("" if test.phase == "call" else f", in {test.phase}"),
            "message": shortened(f"{error.type}: {error.message}"),
            "place": place(test),
            "at": error.at or "",
            "why": expected.why if same else "",
        }


def matrix(
    views: Iterable[View], broken: Run | None
) -> tuple[list[tuple[str, list[Change | None]]], int]:
    """A line a test, with what became of it on each side; and how many lines are left out."""
    graded = [view.grade for view in views if view.grade]
    nodeids = list(broken.tests) if broken else []
    shown = nodeids[: 2 * MAX_ROWS]
    lines = [(nodeid, [grade.changes.get(nodeid) for grade in graded]) for nodeid in shown]
    return lines, max(len(nodeids) - len(lines), 0)
