"""Regenerate the documented outcomes from runs, and show the difference for a person to accept."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from scripts.paths import MANIFEST
from scripts.run import results
from scripts.run.batch import run_batch
from scripts.run.model import Run, Test
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.documented import difference, why_invalid
from scripts.views import terminal

UNEXPLAINED = "UNEXPLAINED: say in one sentence why this happens."


def outcomes(name: str, write: bool) -> int:
    """Run one side or all; 0 if the manifest documents what happened or was made to, else 1.

    With `write` the outcomes seen replace those documented. A group of tests that now behaves in a
    new way gets a `why` that says UNEXPLAINED, which the manifest's own check refuses.
    """
    documented = manifest.load()
    sides = list(documented.side) if name == "all" else [documented.get(name)]
    for side in sides:
        results.folder(side.id)
    choice = choose()
    terminal.status(str(choice))
    with running(choice.backend) as guardian:
        terminal.servers(guardian.servers)
        runs = run_batch(sides, guardian).runs
    different = [side for side in sides if report(side, runs[side.id], documented)]
    if not different:
        terminal.say("remedies.toml documents what these runs did.", "bold green")
        return 0
    if not write:
        terminal.say(f"To accept: python -m scripts outcomes {name} --write")
        return 1
    for side in different:
        if why_invalid(runs[side.id], documented):
            terminal.say(f"{side.id} is not written: its run is INVALID", "bold red")
            return 1
    text = MANIFEST.read_text("utf-8")
    results.write(MANIFEST, rewritten(text, {side.id: runs[side.id] for side in different}))
    terminal.say("Written to remedies.toml. Explain every `why` that says UNEXPLAINED.")
    return 0


def report(side: Side, run: Run, documented: Manifest) -> bool:
    """Show how a run differs from what is documented; True if it does."""
    invalid = why_invalid(run, documented)
    if invalid:
        terminal.prose(f"{side.id}: INVALID: {invalid}", "bold red")
        return True
    found = [difference(run.tests[nodeid], side) for nodeid in documented.nodeids]
    for sentence in filter(None, found):
        terminal.prose(f"{side.id}: {sentence}", "yellow")
    return any(found)


def rewritten(text: str, runs: dict[str, Run]) -> str:
    """The manifest's text with the outcomes of these runs; all else stays as it is written."""
    document = tomlkit.parse(text)
    for side in document["side"]:
        run = runs.get(str(side["id"]))
        if run is not None:
            side["outcome"] = entries(side["outcome"].unwrap(), run)
    return tomlkit.dumps(document)


def entries(old: list[dict[str, Any]], run: Run) -> AoT:
    """The run's outcomes as an array of tables: an entry that still holds stays as it is written.

    Tests that did something else than their entry says are grouped by what they did, UNEXPLAINED.
    """
    kept: dict[int, list[str]] = {}
    new: dict[tuple[Any, ...], list[str]] = {}
    for test in run.tests.values():
        place, entry = next((p, each) for p, each in enumerate(old) if speaks_of(each, test))
        seen = (test.outcome, test.kind, test.driver)
        if (entry["outcome"], entry.get("kind"), entry.get("driver")) == seen:
            kept.setdefault(place, []).append(test.nodeid)
        else:
            new.setdefault(seen, []).append(test.nodeid)
    array = tomlkit.aot()
    for place, nodeids in sorted(kept.items()):
        whole = [test.nodeid for test in run.tests.values() if speaks_of(old[place], test)]
        array.append(table(old[place] | ({} if whole == nodeids else {"tests": nodeids})))
    for (outcome, kind, driver), nodeids in new.items():
        told = {"tests": nodeids, "outcome": outcome, "kind": kind, "driver": driver}
        array.append(table(told | {"why": UNEXPLAINED}))
    return array


def table(entry: dict[str, Any]) -> Table:
    """One entry, its tests on lines of their own if there are many."""
    found = tomlkit.table()
    for name, value in entry.items():
        if name == "tests":
            names = tomlkit.array().multiline(len(value) > 2)
            names.extend(value)
            found["tests"] = names
        elif value is not None:
            found[name] = value
    return found


def speaks_of(entry: dict[str, Any], test: Test) -> bool:
    """Does the entry cover this test?"""
    return any(manifest.covers(name, test.nodeid) for name in entry["tests"])
