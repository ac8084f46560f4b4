"""What the READMEs of the sides say of a small change beside a remedy, each held against a run.

The changes are made in a copy of the checkout. `says` is the README's own sentence (a test of
tests/harness/test_parity.py), so that neither can change without the other.
"""

from collections.abc import Iterator

import pytest

from scripts.sides import manifest
from tests.long.variants import Variant, load
from tests.support.checkouts import Checkout

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


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.id for variant in VARIANTS])
def test_a_variant_does_what_the_readme_says(variant, recorded):
    change = variant.change
    options = [word for option in change.options for word in ("-o", option)]
    arguments = ("-rA", variant.side.folder, *change.arguments, *options)
    record, output = recorded(change.beside, *arguments, **change.environ)

    failing = [nodeid for nodeid, test in record.tests.items() if test.outcome != "passed"]
    assert len(failing) == change.fails, output
    assert not change.among or set(failing) <= set(variant.among)
    for text, times in change.logged.items():
        assert output.count(text) == times, text
    for nodeid in record.tests.keys() & set(variant.exchanged):
        documented = MANIFEST.get("broken").documented[nodeid]
        failed = record.tests[nodeid].outcome == "failed"
        assert failed == (documented.outcome == "passed")
    if change.counts:
        counts = record.counts["postgres"]
        assert (counts.opened, counts.left_open) == (change.counts.opened, change.counts.left_open)
