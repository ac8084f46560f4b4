"""`make fix-N`, `make trap-N`: run one side, and say what it did to each test."""

from __future__ import annotations

import random
import time
from pathlib import Path

from scripts.errors import CommandError
from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.run.model import Run
from scripts.run.side import circumstances, run_side
from scripts.servers.choose import choose
from scripts.servers.client import Guardian, running
from scripts.sides import diffs, manifest
from scripts.sides.manifest import Manifest, Side, SideKind
from scripts.verdict.against_broken import documented_verdicts, grade
from scripts.verdict.documented import judge, why_invalid
from scripts.views import remedy, terminal

EVERYTHING = "make all-fixes && make compare"


def fix(kind: SideKind, number: str) -> int:
    """Run a remedy ("" is the recommended one) or a trap.

    0 if it did what is documented, which may be to cure nothing; else 1.
    """
    documented = manifest.load()
    if kind == "fix" and not number:
        side = documented.get(documented.recommended)
    else:
        side = documented.numbered(kind, number)
    check_folder(side)
    results.folder(side.id)
    choice = choose()
    terminal.status(str(choice))
    with running(choice.backend) as guardian:
        terminal.servers(guardian.servers)
        broken = broken_run(documented, guardian)
        if no_baseline(broken, documented):
            return 1
        run = watched(side, documented, guardian)
    terminal.status("")
    return report(side, documented, broken, run, following(side, documented))


def report(side: Side, documented: Manifest, broken: Run, run: Run, then: str = "") -> int:
    """Grade the run, show it and what to type next; the exit code."""
    judgement = judge(run, side, documented)
    graded = grade(broken, run, side, documented, judgement)
    remedy.headline(side, graded)
    if judgement.invalid:
        terminal.prose(f"INVALID: {judgement.invalid}", "bold red")
        terminal.say(f"The whole output: results/{side.id}/output.txt")
        return 1
    terminal.prose(f"Source: {side.source}")
    remedy.diff(diffs.unified(side))
    remedy.table(run, graded)
    remedy.messages(run)
    terminal.lanes(run, broken)
    remedy.price(broken, run)
    terminal.prose(f"Why: {side.why}")
    terminal.prose(f"When: {side.when}")
    if not graded.as_documented:
        terminal.say("NOT AS DOCUMENTED:", "bold red")
        terminal.differences(judgement, run)
        remedy.verdicts(graded, documented_verdicts(side, documented))
        terminal.say(f"Next: git diff {side.folder}")
        terminal.say(f"or accept it: python -m scripts outcomes {side.id} --write")
        return 1
    terminal.say(f"Without our scripts: {run.command}")
    if then:
        terminal.say(f"Next: {then}")
    return 0


def broken_run(documented: Manifest, guardian: Guardian) -> Run:
    """The broken side's last run, if it is a result and was made under the same circumstances;
    else a new one."""
    side = documented.get("broken")
    last = results.read_run("broken", terminal.status)
    if last and why_invalid(last, documented):
        last = None  # a killed run, say, in which no test failed
    if last and last.circumstances == circumstances(guardian.servers):
        written = (RESULTS / "broken" / "run.json").stat().st_mtime
        if written > newest_source():
            return last
    return watched(side, documented, guardian)


def no_baseline(broken: Run, documented: Manifest) -> bool:
    """Say so if the run of broken/ is INVALID: that is no remedy's doing, and nothing is graded."""
    invalid = why_invalid(broken, documented)
    if invalid:
        terminal.prose("The broken side: INVALID. Without it no remedy can be graded.", "bold")
        terminal.prose(f"INVALID: {invalid}", "bold red")
        terminal.say("The whole output: results/broken/output.txt")
        terminal.say("Next: make reproduce")
    return bool(invalid)


def newest_source() -> float:
    """When the last file that the broken side runs was changed."""
    files = (
        path for name in ("broken", "suite", "shared_app") for path in (ROOT / name).rglob("*")
    )
    return max(path.stat().st_mtime for path in files if path.suffix in (".py", ".ini"))


def watched(side: Side, documented: Manifest, guardian: Guardian) -> Run:
    """Run a side with its progress shown."""
    total = len(documented.nodeids)
    with terminal.progress(f"Running pytest {side.folder}", total) as on_line:
        return run_side(side, guardian, on_line)


def check_folder(side: Side) -> None:
    """Raise CommandError if the side's folder is not what the manifest says of it.

    What an edited folder does may be as documented all the same: it is another remedy then.
    """
    folder = Path(ROOT, side.folder)
    if not folder.is_dir():
        raise CommandError(f"{side.folder} is not there")
    found = diffs.unexpected(side)
    if found:
        may = " and ".join(side.changes) or "its caption"
        raise CommandError(
            f"{side.folder} is not as its remedy.toml says: only {may} may differ from broken/.\n"
            + "\n".join(f"  {side.folder}/{sentence}" for sentence in found),
            hint=f"git status broken {side.folder}; as it is: .venv/bin/pytest {side.folder}",
        )


def following(side: Side, documented: Manifest) -> str:
    """The next command to type."""
    mine = documented.of(side.kind)
    place = [each.id for each in mine].index(side.id)
    if place + 1 < len(mine):
        return f"make {mine[place + 1].target}"
    return EVERYTHING


def tour() -> int:
    """The short story: a few remedies, with a pause between on a terminal."""
    documented = manifest.load()
    sides = [documented.get(name) for name in documented.tour]
    for side in sides:
        check_folder(side)
        results.folder(side.id)
    choice = choose()
    terminal.status(str(choice))
    worst = 0
    with running(choice.backend) as guardian:
        terminal.servers(guardian.servers)
        broken = broken_run(documented, guardian)
        if no_baseline(broken, documented):
            return 1
        for place, side in enumerate(sides):
            if place:
                terminal.say("")
                if terminal.console.is_terminal:
                    terminal.console.input("[bold]Enter for the next remedy …[/]")
            run = watched(side, documented, guardian)
            terminal.status("")
            worst = max(worst, report(side, documented, broken, run))
    terminal.say(f"Next: {EVERYTHING}")
    return worst


def all_fixes(shuffle: bool = False, alone: bool = False) -> int:
    """Every side, as many beside each other as there are cores; 0 if all are as documented.

    With `shuffle` they run in a random order, with `alone` one at a time: what a side does must
    depend neither on those before it nor on those beside it.
    """
    from scripts.run.batch import run_batch

    documented = manifest.load()
    for side in documented.side:
        check_folder(side)
        results.folder(side.id)
    choice = choose()
    terminal.status(str(choice))
    started = time.monotonic()
    with running(choice.backend) as guardian:
        terminal.servers(guardian.servers)
        order = list(documented.side)
        if shuffle:
            random.shuffle(order)
        batch = run_batch(order, guardian, 1 if alone else None)
    wall = time.monotonic() - started
    runs, broken = batch.runs, batch.runs["broken"]
    if no_baseline(broken, documented):
        return 1
    wrong = []
    for side in documented.side:
        run = runs[side.id]
        judgement = judge(run, side, documented)
        if not grade(broken, run, side, documented, judgement).as_documented:
            wrong.append(side.id)
            terminal.prose(f"{side.id} is not as documented: {judgement.invalid}", "bold red")
            terminal.differences(judgement, run)
    ideal = sum(batch.seconds.values()) / batch.workers
    terminal.prose(
        f"{len(documented.side)} sides in {wall:.1f} s, servers included: {wall / ideal:.2f} × the"
        f" sum of their own times ÷ {batch.workers} at once."
    )
    if wrong:
        return 1
    terminal.say("All as documented. Next: make compare", "bold green")
    return 0
