"""Every side is broken/ but for its remedy, and its folder, manifest and README agree."""

import re
from typing import Literal

import pytest

from scripts.paths import ROOT
from scripts.sides import diffs, manifest
from scripts.sides.manifest import NOUNS, Side
from scripts.verdict.grade import documented_verdicts
from scripts.views import documents
from tests.long.variants import load

MANIFEST = manifest.load()
SIDES = MANIFEST.side[1:]
VARIANTS = load(MANIFEST)
Group = Literal["mongo", "postgres"]
GROUPS: dict[Group, str] = {"mongo": "Motor", "postgres": "Postgres"}


each_side = pytest.mark.parametrize("side", SIDES, ids=[side.id for side in SIDES])


def headed(side: Side) -> str:
    """ "Remedy 03", as headings write it."""
    return f"{NOUNS[side.kind]} {side.number:02}"


@each_side
def test_a_side_has_the_wrappers_of_broken_and_no_other_file(side):
    files = {path.name for path in (ROOT / side.folder).iterdir() if not path.name.startswith("__")}
    needed = {*diffs.wrappers(ROOT / "broken"), "conftest.py", "pytest.ini", "README.md"}
    needed.add("remedy.toml")

    assert needed <= files
    assert files - needed <= {"db.py", "variants.toml", ".pytest_cache"}
    assert ("db.py" in files) == ("db.py" in side.changes)


@each_side
def test_a_side_differs_only_where_the_manifest_says_and_its_diff_has_a_caption(side):
    assert diffs.unexpected(side) == []
    first = (ROOT / side.folder / "conftest.py").read_text("utf-8").splitlines()[0]
    assert diffs.CAPTION.match(first)
    assert first.startswith(f'"""{headed(side)}: ')


@each_side
def test_a_readme_has_the_title_of_the_manifest_and_says_what_each_must_say(side):
    text = (ROOT / side.folder / "README.md").read_text("utf-8")

    assert text.splitlines()[0].lower() == f"# {headed(side)}: {side.title}".lower()
    for word in ("symptom", "cause", "change", "cures", "price", "isolation", "time", "source"):
        assert word in text.lower()
    assert side.target in text
    prose = re.sub(r"^```.*?^```\n", "", text, flags=re.MULTILINE | re.DOTALL)
    assert 15 <= len(prose.splitlines()) <= 30


@each_side
def test_a_readme_cures_what_the_manifest_documents_and_is_chosen_when_it_says(side):
    text = " ".join((ROOT / side.folder / "README.md").read_text("utf-8").split())
    cured = [f"{name} {cured_of(side, group)}" for group, name in GROUPS.items()]

    assert f"**What it cures, and what not.** {', '.join(cured)}." in text
    assert f"**When to choose it.** {side.when}" in text


def cured_of(side: Side, group: Group) -> str:
    """ "2 of 7": how many of the group's tests that fail on broken/ the side cures."""
    broken = MANIFEST.get("broken")
    failing = [
        test for test in MANIFEST.tests[group] if broken.documented[test].outcome != "passed"
    ]
    cured = [test for test in failing if side.documented[test].outcome == "passed"]
    return f"{len(cured)} of {len(failing)}"


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.id for variant in VARIANTS])
def test_what_is_run_of_a_variant_is_what_a_readme_says(variant):
    speaker = MANIFEST.get(variant.change.said_by or variant.side.id)
    text = " ".join((ROOT / speaker.folder / "README.md").read_text("utf-8").split())

    assert variant.change.says in text


def test_a_remedy_of_at_most_three_lines_cures_both_groups():
    recommended = MANIFEST.get(MANIFEST.recommended)

    assert set(documented_verdicts(recommended, MANIFEST).values()) == {"RESOLVED_FULL"}
    lines = diffs.unified(recommended).splitlines()
    edited = [line[1:] for line in lines if re.match(r"[+-](?![+-])", line)]
    assert sum(not diffs.CAPTION.match(line) for line in edited) <= 3
    assert MANIFEST.guide[0].sides[0] == recommended.id


def test_the_tables_of_the_readme_are_what_the_manifest_says():
    text = documents.README.read_text("utf-8")

    assert documents.with_tables(text, MANIFEST) == text
