"""Regenerate the documented outcomes from runs, and show the difference for a person to accept."""

from collections.abc import Collection, Mapping
from typing import Any

import tomlkit
from tomlkit.items import Array, Table

from scripts.commands.session import on_chosen_servers
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Run
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Sets, Side, tests_of
from scripts.sides.schema import Documented
from scripts.verdict.grade import difference, judge, outcome_of
from scripts.views import terminal

UNEXPLAINED = "UNEXPLAINED: say in one sentence why this happens."


def inherited(name: str) -> int:
    """List the sentences that sides share with others, for a person to read beside what the side
    does; 0."""
    documented = manifest.load()
    for side in chosen(name, documented):
        terminal.line(f"{side.id}: {side.title}", "bold")
        shared: dict[tuple[str, Documented], list[str]] = {}
        for nodeid, other in side.inherited.items():
            shared.setdefault((other, side.documented[nodeid]), []).append(nodeid)
        for (other, expected), nodeids in shared.items():
            tests = ", ".join(named(nodeids, documented.sets))
            terminal.prose(f"  as {other}: {tests}: {expected.outcome}. {expected.why}")
    return 0


def chosen(name: str, documented: Manifest) -> list[Side]:
    return list(documented.side) if name == "all" else [documented.get(name)]


def outcomes(name: str, write: bool) -> int:
    """Run one side or all; 0 if the manifests document what happened or were made to, else 1.

    With `write` the outcomes of the runs replace those documented. A group of tests that now
    behaves in a new way gets a `why` that says UNEXPLAINED, which the manifest's check refuses.
    """
    documented = manifest.load()
    sides = chosen(name, documented)
    for side in sides:
        results.folder(side.id)
    with on_chosen_servers(sides) as session:
        runs = session.run_all(sides).runs
    different = []
    invalid = ""
    for side in sides:
        judgement = judge(runs[side.id], side, documented)
        if judgement.invalid:
            invalid = invalid or side.id
            terminal.prose(f"{side.id}: INVALID: {judgement.invalid}", "bold red")
        for sentence in judgement.differences:
            terminal.prose(f"{side.id}: {sentence}", "yellow")
        if not judgement.as_documented:
            different.append(side)
    if not different:
        terminal.line("The manifests document what these runs did.", "bold green")
        return 0
    if not write:
        terminal.line(f"To accept: python -m scripts outcomes {name} --write")
        return 1
    if invalid:
        terminal.line(f"{invalid} is not written: its run is INVALID", "bold red")
        return 1
    for side in different:
        path = ROOT / side.file
        results.write(path, rewritten(path.read_text("utf-8"), side, runs[side.id], documented))
        terminal.line(f"Written: {side.file}")
    terminal.prose(
        "Explain every `why` that says UNEXPLAINED; and read what is as on another side:"
    )
    terminal.line(f"python -m scripts outcomes {name} --inherited")
    return 0


def rewritten(text: str, side: Side, run: Run, documented: Manifest) -> str:
    """The text of the side's manifest with the outcomes of the run; all else stays as written.

    Tests that now do what is documented of them on broken/ are as there; others that did something
    else than their entry says are grouped by what they did, UNEXPLAINED.
    """
    document, sets = tomlkit.parse(text), documented.sets
    table = document if side.number else document["broken"]
    broken = documented.get("broken")
    changed = [nodeid for nodeid in documented.nodeids if difference(run.tests[nodeid], side)]
    as_broken = [n for n in changed if side.number and not difference(run.tests[n], broken)]
    new: dict[tuple[Any, ...], list[str]] = {}
    for nodeid in changed:
        if nodeid not in as_broken:
            test = run.tests[nodeid]
            new.setdefault((outcome_of(test), test.kind, test.driver), []).append(nodeid)
    table["outcome"] = tomlkit.aot()
    for outcome in side.outcome:
        nodeids = tests_of(outcome.tests, sets, side.file)
        kept = [nodeid for nodeid in nodeids if nodeid not in changed]
        tests = outcome.tests if len(kept) == len(nodeids) else named(kept, sets)
        if kept:
            table["outcome"].append(entry(outcome.model_dump() | {"tests": tests}))
    for (result, kind, driver), alike in new.items():
        happened = {"outcome": result, "kind": kind, "driver": driver, "why": UNEXPLAINED}
        table["outcome"].append(entry({"tests": named(alike, sets), **happened}))
    if side.number:
        stated = set(changed) | side.documented.keys() - side.inherited.keys()
        table["same_as"] = same_as(side, stated.difference(as_broken), as_broken, sets)
    return tomlkit.dumps(document)


def same_as(side: Side, stated: set[str], as_broken: Collection[str], sets: Sets) -> Table:
    """What is as on another side, without what the file now states itself, and with what is now
    as on broken/."""
    table = tomlkit.table()
    for other, names in {"broken": (), **side.same_as}.items():
        kept = [name for name in names if not stated.issuperset(tests_of([name], sets, other))]
        if other == "broken":
            kept += named(as_broken, sets)
        if kept:
            table[other] = array_of(kept)
    return table


def named(nodeids: Collection[str], sets: Sets) -> list[str]:
    """The node ids, as few names of sets as stand for them."""
    left, names = set(nodeids), []
    for name, tests in sorted(sets.items(), key=lambda item: -len(item[1])):
        if tests and left.issuperset(tests):
            names.append(name)
            left.difference_update(tests)
    return names + [nodeid for nodeid in nodeids if nodeid in left]


def entry(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    table.update({name: value for name, value in values.items() if value is not None})
    table["tests"] = array_of(values["tests"])
    return table


def array_of(names: Collection[str]) -> Array:
    """The names, on lines of their own if there are many."""
    array = tomlkit.array().multiline(len(", ".join(names)) > 80)
    array.extend(names)
    return array
