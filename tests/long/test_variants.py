"""What the READMEs of the sides say of a small change beside a remedy, each held against a run.

The changes are made in a copy of the checkout. `says` is the README's own sentence (a test of
tests/harness/test_parity.py), so that neither can change without the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.run.environment import unneeded_plugins
from scripts.sides import manifest
from tests.long.variants import VARIANTS, Variant
from tests.support import environments
from tests.support.checkouts import Checkout
from tests.support.commands import environment, run

MANIFEST = manifest.load()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout for all of the variants, one after the other."""
    return Checkout(tmp_path_factory.mktemp("variants") / "checkout")


@pytest.fixture(scope="module")
def beside(copied: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The interpreter of an environment with other pins on top of the checkout's packages."""

    @cache
    def made(pins: str) -> str:
        if not pins:
            return copied.python
        folder = tmp_path_factory.mktemp("beside") / pins
        return environments.make(folder, copied.python, pins, below=copied.packages)

    return made


@pytest.fixture
def changed(copied: Checkout, variant: Variant) -> Iterator[Checkout]:
    """The checkout while the variant's changes are made in it."""
    before: dict[Path, str] = {}
    conftest = f"{variant.folder}/conftest.py"
    try:
        for name in (conftest, *(file_of(variant, edit[0]) for edit in variant.edits)):
            before[copied.folder / name] = (copied.folder / name).read_text("utf-8")
        path = copied.folder / conftest
        path.write_text(path.read_text("utf-8") + variant.appended, "utf-8")
        for name, old, new in variant.edits:
            copied.change(file_of(variant, name), old, new)
        yield copied
    finally:
        for path, text in before.items():
            path.write_text(text, "utf-8")


def file_of(variant: Variant, name: str) -> str:
    return name if "/" in name else f"{variant.folder}/{name}"


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.id for variant in VARIANTS])
def test_a_variant_does_what_the_readme_says(
    changed: Checkout,
    variant: Variant,
    beside: Callable[[str], str],
    given_servers: dict[str, str],
    tmp_path: Path,
) -> None:
    record = tmp_path / "record.json"
    command = command_of(variant, beside(variant.beside))
    environ = environment(WRONGLOOP_RECORD=str(record), **given_servers, **dict(variant.environ))
    done = run(command, cwd=changed.folder, env=environ)

    recorded = json.loads(record.read_text("utf-8"))
    failing = [test["nodeid"] for test in recorded["tests"] if test["outcome"] != "passed"]
    assert len(failing) == variant.fails, done.out
    if variant.among:
        files = {Path(nodeid.partition("::")[0]).name for nodeid in failing}
        assert files <= variant.among
    for text, times in variant.logged:
        assert done.out.count(text) == times, text
    for test in recorded["tests"]:
        if Path(test["nodeid"].partition("::")[0]).name in variant.exchanged:
            documented = MANIFEST.get("broken").documented(test["nodeid"])
            assert (test["outcome"] == "failed") == (documented.outcome == "passed")
    if variant.counts:
        counts = recorded["counts"]["postgres"]
        assert (counts["opened"], counts["left_open"]) == variant.counts


def command_of(variant: Variant, python: str) -> list[str]:
    """Plain pytest on the variant's side, with everything that was logged shown."""
    command = [python, "-m", "pytest", "-p", "scripts.run.recorder", "-p", "no:cacheprovider"]
    command += ["-p", "no:whichloop", "-rA", variant.folder, *variant.arguments]
    command += [word for option in variant.options for word in ("-o", option)]
    return command + [word for name in unneeded_plugins() for word in ("-p", f"no:{name}")]
