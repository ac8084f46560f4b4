"""`python -m scripts same DIR…`: do several results folders say the same of every test?

For CI, which runs every side on each backend: what fails, and how, must not hang on the servers.
"""

from __future__ import annotations

from pathlib import Path

from scripts.errors import CommandError
from scripts.run import results
from scripts.views import terminal

# Side and node id → what it did.
Outcomes = dict[tuple[str, str], str]


def same(folders: list[Path]) -> int:
    """Compare `<folder>/*/run.json`: 0 if outcomes and kinds are equal per node id, else 1."""
    if len(folders) < 2:
        raise CommandError(
            "same compares two results folders or more",
            hint="python -m scripts same results/embedded results/testcontainers",
        )
    by_folder = {folder: read(folder) for folder in folders}
    tests = sorted(set().union(*(outcomes for outcomes, _ in by_folder.values())))
    differences = 0
    for test in tests:
        happened = {
            path: outcomes.get(test, "not run") for path, (outcomes, _) in by_folder.items()
        }
        if len(set(happened.values())) > 1:
            differences += 1
            terminal.line("::".join(test), "red")
            for folder, outcome in happened.items():
                terminal.line(f"  {folder}: {outcome}")
    for folder, (outcomes, servers) in by_folder.items():
        terminal.line(f"{folder}: {len(outcomes)} outcomes on {servers}")
    if differences:
        terminal.line(f"{differences} of {len(tests)} tests differ")
        return 1
    terminal.line("Equal: each test has the same outcome and kind in all of them.")
    return 0


def read(folder: Path) -> tuple[Outcomes, str]:
    """What every test of every side did, and on which servers. Raises CommandError if none ran."""
    outcomes: Outcomes = {}
    backends = set()
    for path in sorted(folder.glob("*/run.json")):
        run = results.read(path)
        names = ", ".join(str(server) for server in run.servers.values() if server)
        backends.add(f"{run.backend} ({names})")
        for test in run.tests.values():
            kind = f" {test.kind} {test.driver}" if test.kind else ""
            outcomes[run.side, test.nodeid] = f"{test.outcome}{kind}"
    if not outcomes:
        raise CommandError(
            f"no side was run into {folder}",
            hint=f"WRONGLOOP_RESULTS={folder} python -m scripts all-fixes",
        )
    return outcomes, " and ".join(sorted(backends))
