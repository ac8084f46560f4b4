"""`make reproduce`: run the broken side and say what happened."""

from __future__ import annotations

from scripts.commands.session import OpenSession, on_chosen_servers
from scripts.run import results
from scripts.sides import manifest
from scripts.verdict.documented import judge
from scripts.views import run as view
from scripts.views import terminal


def reproduce(open_session: OpenSession = on_chosen_servers) -> int:
    """Run `broken/` on the chosen servers; 0 if exactly the documented tests failed, else 1."""
    documented = manifest.load()
    side = documented.get("broken")
    results.folder(side.id)  # find out that it cannot be written before any server starts
    with open_session([]) as session:
        run = session.run(side, len(documented.nodeids))
    judgement = judge(run, side, documented)
    if judgement.invalid:
        if run.tests:  # a half that could run is worth seeing
            view.print_outcomes(run)
        terminal.prose(f"INVALID: {judgement.invalid}", "bold red")
        terminal.prose(
            "This says nothing about event loops. The whole output: results/broken/output.txt"
        )
        return 1
    view.print_outcomes(run)
    view.print_messages(run, side)
    view.print_lanes(run, run)
    terminal.line()
    if judgement.differences:
        terminal.prose(f"NOT AS DOCUMENTED: {view.counts(run)}.", "bold red")
        view.print_differences(judgement.differences, run)
        return 1
    terminal.prose(f"Reproduced: {view.counts(run)}, each as documented.", "bold green")
    terminal.line("Written: results/broken/run.json and results/broken/output.txt")
    terminal.line(f"Without our scripts: {run.command}")
    terminal.line("Next: make fix")
    return 0
