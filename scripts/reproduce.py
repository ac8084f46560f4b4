"""`make reproduce`: run the broken side and say what happened."""

from __future__ import annotations

from scripts import manifest, results, show
from scripts.judge import judge
from scripts.runner import run_side
from scripts.servers.choose import choose
from scripts.servers.client import running


def reproduce() -> int:
    """Run `broken/` on the chosen servers; 0 if exactly the documented tests failed, else 1."""
    documented = manifest.load()
    side = documented.get("broken")
    results.folder(side.id)  # find out that it cannot be written before any server starts
    choice = choose()
    show.status(str(choice))
    with running(choice.backend) as guardian:
        show.servers(guardian.servers)
        with show.progress(f"Running pytest {side.folder}", len(documented.nodeids)) as on_line:
            run = run_side(side, guardian, on_line)
    judgement = judge(run, side, documented)
    if judgement.invalid:
        if run.tests:  # a half that could run is worth seeing
            show.outcomes(run)
        show.prose(f"INVALID: {judgement.invalid}", "bold red")
        show.prose(
            "This says nothing about event loops. The whole output: results/broken/output.txt"
        )
        return 1
    show.outcomes(run)
    show.messages(run, side)
    show.lanes(run, run)
    show.say("")
    if judgement.differences:
        show.prose(f"NOT AS DOCUMENTED: {show.counts(run)}.", "bold red")
        show.differences(judgement, run)
        return 1
    show.prose(f"Reproduced: {show.counts(run)}, each as documented.", "bold green")
    show.say("Written: results/broken/run.json and results/broken/output.txt")
    show.say(f"Without our scripts: {run.data['command']}")
    show.say("Next: make fix")
    return 0
