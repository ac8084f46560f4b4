"""What the READMEs of the sides say of a small change beside a remedy, each held against a run.

The changes are made in a copy of the checkout. `says` is the README's own sentence (a test of
tests/harness/test_parity.py), so that neither can change without the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.sides import manifest
from tests.long.variants import Variant, load
from tests.support.checkouts import Checkout
from tests.support.commands import environment, recorded_pytest, run

MANIFEST = manifest.load()
VARIANTS = load(MANIFEST)


@pytest.fixture
def changed(copied: Checkout, variant: Variant) -> Iterator[Checkout]:
    """The checkout while the variant's changes are made in it."""
    conftest = f"{variant.side.folder}/conftest.py"
    edits = [(edit.path(variant.side), edit.old, edit.new) for edit in variant.change.edits]
    before = {name: (copied.folder / name).read_text("utf-8") for name, *_ in [(conftest,), *edits]}
    try:
        path = copied.folder / conftest
        path.write_text(path.read_text("utf-8") + variant.change.appended, "utf-8")
        for edit in edits:
            copied.change(*edit)
        yield copied
    finally:
        for name, text in before.items():
            (copied.folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.id for variant in VARIANTS])
def test_a_variant_does_what_the_readme_says(
    changed: Checkout,
    variant: Variant,
    beside: Callable[[str], str],
    given_servers: dict[str, str],
    tmp_path: Path,
) -> None:
    change = variant.change
    record = tmp_path / "record.json"
    command = command_of(variant, beside(change.beside))
    environ = environment(WRONGLOOP_RECORD=str(record), **given_servers, **change.environ)
    done = run(command, cwd=changed.folder, env=environ)

    recorded = json.loads(record.read_text("utf-8"))
    outcomes = {test["nodeid"]: test["outcome"] for test in recorded["tests"]}
    failing = [nodeid for nodeid, outcome in outcomes.items() if outcome != "passed"]
    assert len(failing) == change.fails, done.out
    assert not change.among or set(failing) <= set(variant.among)
    for text, times in change.logged.items():
        assert done.out.count(text) == times, text
    for nodeid in outcomes.keys() & set(variant.exchanged):
        documented = MANIFEST.get("broken").documented[nodeid]
        assert (outcomes[nodeid] == "failed") == (documented.outcome == "passed")
    if change.counts:
        counts = recorded["counts"]["postgres"]
        assert counts["opened"] == change.counts.opened
        assert counts["left_open"] == change.counts.left_open


def command_of(variant: Variant, python: str) -> list[str]:
    """pytest on the variant's side, with everything that was logged shown."""
    options = [word for option in variant.change.options for word in ("-o", option)]
    arguments = (variant.side.folder, *variant.change.arguments, *options)
    return recorded_pytest(python, "-rA", *arguments)
