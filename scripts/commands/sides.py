"""`make reproduce`, `fix-N`, `trap-N`, `tour`, `all-fixes`: run sides, and say what happened."""

import random
import time
from collections.abc import Sequence

from scripts.commands.session import OpenSession, check_folders, is_baseline, on_chosen_servers
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side, SideKind
from scripts.verdict.grade import documented_verdicts, grade, judge
from scripts.views import terminal
from scripts.views.diff import print_diff
from scripts.views.run import (
    counts,
    print_changes,
    print_differences,
    print_failures,
    print_headline,
    print_invalid,
    print_lanes,
    print_messages,
    print_outcomes,
    print_price,
)

EVERYTHING = "make all-fixes && make compare"


def reproduce(open_session: OpenSession = on_chosen_servers) -> int:
    """Run `broken/` on the chosen servers; 0 if exactly the documented tests failed, else 1."""
    documented = manifest.load()
    side = documented.get("broken")
    results.folder(side.id)  # find out that it cannot be written before any server starts
    with open_session([]) as session:
        run = session.run(side, len(documented.nodeids))
    judgement = judge(run, side, documented)
    if not judgement.invalid or run.tests:  # a half that could run is worth seeing
        print_outcomes(run)
    if judgement.invalid:
        terminal.prose(f"INVALID: {judgement.invalid}", "bold red")
        terminal.prose(
            "This says nothing about event loops. The whole output: results/broken/output.txt"
        )
        return 1
    print_failures(run, side)
    print_lanes(run, run)
    terminal.line()
    if judgement.differences:
        terminal.prose(f"NOT AS DOCUMENTED: {counts(run)}.", "bold red")
        print_differences(judgement.differences, run)
        return 1
    terminal.prose(f"Reproduced: {counts(run)}, each as documented.", "bold green")
    terminal.line("Written: results/broken/run.json and results/broken/output.txt")
    terminal.line(f"Without our scripts: {run.command}")
    terminal.line("Next: make fix")
    return 0


def fix(kind: SideKind, number: str, open_session: OpenSession = on_chosen_servers) -> int:
    """Run a remedy ("" is the recommended one) or a trap.

    0 if it did what is documented, which may be to cure nothing; else 1.
    """
    documented = manifest.load()
    if kind == "fix" and not number:
        side = documented.get(documented.recommended)
    else:
        side = documented.numbered(kind, number)
    if not step_through([side], documented, open_session):
        return 1
    terminal.prose(f"Next: {next_command(side, documented)}")
    return 0


def tour(open_session: OpenSession = on_chosen_servers) -> int:
    """The short story: a few remedies, with a pause between on a terminal."""
    documented = manifest.load()
    sides = [documented.get(name) for name in documented.tour]
    as_documented = step_through(sides, documented, open_session)
    terminal.line(f"Next: {EVERYTHING}")
    return 0 if as_documented else 1


def step_through(sides: Sequence[Side], documented: Manifest, open_session: OpenSession) -> bool:
    """Run sides one after the other, and show each; did all do what is documented?"""
    check_folders(sides)
    as_documented = True
    with open_session(sides) as session:
        broken = session.broken(documented)
        if not is_baseline(broken, documented):
            return False
        for side in sides:
            if side is not sides[0]:
                terminal.line()
                if terminal.console.is_terminal:
                    terminal.console.input("[bold]Enter for the next remedy …[/]")
            run = session.run(side, len(documented.nodeids))
            terminal.status("")
            as_documented &= print_grade(side, documented, broken, run)
    return as_documented


def all_fixes(
    shuffle: bool = False, alone: bool = False, open_session: OpenSession = on_chosen_servers
) -> int:
    """Every side, as many beside each other as there are cores; 0 if all are as documented.

    With `shuffle` they run in a random order, with `alone` one at a time: what a side does must
    depend neither on those before it nor on those beside it.
    """
    documented = manifest.load()
    sides = documented.side
    check_folders(sides)
    started = time.monotonic()
    with open_session(sides) as session:
        order = random.sample(sides, len(sides)) if shuffle else list(sides)
        batch = session.run_all(order, 1 if alone else None)
    wall = time.monotonic() - started
    broken = batch.runs["broken"]
    if not is_baseline(broken, documented):
        return 1
    different = 0
    for side in sides:
        run = batch.runs[side.id]
        graded = grade(broken, run, side, documented)
        if not graded.as_documented:
            different += 1
            terminal.prose(f"{side.id} is not as documented: {graded.invalid}", "bold red")
            print_differences(graded.differences, run)
    ideal = sum(batch.seconds.values()) / batch.workers
    terminal.prose(
        f"{len(sides)} sides in {wall:.1f} s, servers included: {wall / ideal:.2f} × the"
        f" sum of their own times ÷ {batch.workers} at once."
    )
    if different:
        return 1
    terminal.line("All as documented. Next: make compare, or make report for a page", "bold green")
    return 0


def print_grade(side: Side, documented: Manifest, broken: Run, run: Run) -> bool:
    """Show what a run did to each test of broken/; was it as documented?"""
    graded = grade(broken, run, side, documented)
    print_headline(side, graded)
    if graded.invalid:
        print_invalid(graded.invalid, side.id)
        return False
    terminal.prose(f"Source: {side.source}")
    print_diff(side)
    print_changes(run, graded)
    print_messages(run)
    print_lanes(run, broken)
    print_price(broken, run)
    terminal.prose(f"Why: {side.why}")
    terminal.prose(f"When: {side.when}")
    if not graded.as_documented:
        terminal.line("NOT AS DOCUMENTED:", "bold red")
        print_differences(graded.differences, run)
        for name, expected in documented_verdicts(side, documented).items():
            verdict = graded.verdicts[name]
            if verdict != expected:
                terminal.prose(f"  {name}: documented {expected}, was {verdict}", "yellow")
        terminal.line(f"Next: git diff {side.folder}")
        terminal.line(f"or accept it: python -m scripts outcomes {side.id} --write")
        return False
    terminal.line(f"Without our scripts: {run.command}")
    return True


def next_command(side: Side, documented: Manifest) -> str:
    """What to type after this side, and why: the remedy that cures, then the others that do; after
    a trap the next trap."""

    cures = [
        other
        for other in documented.of("fix")
        if documented_verdicts(other, documented)["overall"] == "RESOLVED_FULL"
    ]
    is_next = None
    if side.kind == "trap":
        is_next, reason = after(side, documented.of("trap")), "another popular answer"
    elif side in cures:
        is_next, reason = after(side, cures), "another that cures everything"
        if is_next is None:
            return f"{EVERYTHING} (every side, and which one to use)"
    if is_next is None:
        is_next, reason = documented.get(documented.recommended), "the recommended remedy"
    return f"make {is_next.target} ({reason}: {is_next.title})"


def after(side: Side, sides: list[Side]) -> Side | None:
    return next((other for other in sides if other.number > side.number), None)
