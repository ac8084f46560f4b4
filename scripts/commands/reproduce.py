"""`make reproduce`: run the broken side and say what happened."""

from __future__ import annotations

from scripts.run import results
from scripts.run.side import run_side
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.sides import manifest
from scripts.verdict.documented import judge
from scripts.views import terminal


def reproduce() -> int:
    """Run `broken/` on the chosen servers; 0 if exactly the documented tests failed, else 1."""
    documented = manifest.load()
    side = documented.get("broken")
    results.folder(side.id)  # find out that it cannot be written before any server starts
    choice = choose()
    terminal.status(str(choice))
    with running(choice.backend) as guardian:
        terminal.servers(guardian.servers)
        with terminal.progress(f"Running pytest {side.folder}", len(documented.nodeids)) as on_line:
            run = run_side(side, guardian, on_line)
    judgement = judge(run, side, documented)
    if judgement.invalid:
        if run.tests:  # a half that could run is worth seeing
            terminal.outcomes(run)
        terminal.prose(f"INVALID: {judgement.invalid}", "bold red")
        terminal.prose(
            "This says nothing about event loops. The whole output: results/broken/output.txt"
        )
        return 1
    terminal.outcomes(run)
    terminal.messages(run, side)
    terminal.lanes(run, run)
    terminal.say("")
    if judgement.differences:
        terminal.prose(f"NOT AS DOCUMENTED: {terminal.counts(run)}.", "bold red")
        terminal.differences(judgement, run)
        return 1
    terminal.prose(f"Reproduced: {terminal.counts(run)}, each as documented.", "bold green")
    terminal.say("Written: results/broken/run.json and results/broken/output.txt")
    terminal.say(f"Without our scripts: {run.command}")
    terminal.say("Next: make fix")
    return 0
