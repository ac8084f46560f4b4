"""The manifest files: what they must say, and how a mistake in one is told."""

import statistics
from pathlib import Path

import pytest

from scripts.errors import CommandError, ManifestError
from scripts.paths import ROOT
from scripts.sides import manifest
from scripts.sides.manifest import Manifest
from tests.long import variants

COMMON = """\
schema_version = 2
recommended = "fix-01"
tour = ["fix-01"]
guide = [{ question = "?", answer = "!", sides = ["fix-02"] }]
practice = [{ id = "P1", text = "T", finding = "F", sides = ["trap-01"] }]

[tests]
mongo = ["test_jobs.py::test_job_api[one]", "test_jobs.py::test_job_api[two]"]
postgres = ["test_dao.py::test_dao"]
control = ["test_simple_async.py::test_simple_async"]

[sets]
first = ["test_jobs.py::test_job_api[one]"]
servers = ["mongo", "test_dao.py"]

[broken]
title = "A title"
source = "A report"

[[broken.outcome]]
tests = ["test_jobs.py"]
outcome = "failed"
kind = "different_loop"
driver = "motor"
why = "A sentence that is long enough to say why."

[[broken.outcome]]
tests = ["postgres", "control"]
outcome = "passed"
why = "A sentence that is long enough to say why."
"""
FIRST = """\
title = "Another title"
source = "Another report"
changes = ["pytest.ini"]
why = "It cures."
when = "Always."

[same_as]
broken = ["postgres", "control"]

[[outcome]]
tests = ["first", "test_jobs.py::test_job_api[two]"]
outcome = "passed"
why = "Another sentence that is long enough to say why."
"""
SECOND = """\
title = "A third title"
source = "Another report"
changes = ["pytest.ini"]
why = "It cures."
when = "Never."
same_as = { broken = ["control"], fix-01 = ["mongo"] }
outcome = [{ tests = ["postgres"], outcome = "flaky", why = "A sentence that says why it is so." }]
"""
FILES = {
    "remedies.toml": COMMON,
    "fixed/01_first/remedy.toml": FIRST,
    "fixed/02_second/remedy.toml": SECOND,
    "traps/01_third/remedy.toml": SECOND,
}
COMMON_FILE, FIRST_FILE, SECOND_FILE, TRAP_FILE = FILES
ONE, TWO = "test_jobs.py::test_job_api[one]", "test_jobs.py::test_job_api[two]"


def load(root: Path, files: dict[str, str] = FILES) -> Manifest:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return manifest.load(root)


def test_the_manifests_of_this_project_stay_small():
    files = [ROOT / side.file for side in manifest.load().side]
    sizes = {path: path.stat().st_size for path in files}

    assert sum(sizes.values()) <= 29_000
    assert statistics.median(sizes.values()) <= 900


def test_a_folder_gives_kind_and_number(tmp_path):
    sides = load(tmp_path).side

    assert [side.id for side in sides] == ["broken", "fix-01", "fix-02", "trap-01"]
    assert [side.target for side in sides] == ["reproduce", "fix-1", "fix-2", "trap-1"]
    assert [side.name for side in sides][2:] == ["Remedy 2", "Trap 1"]


def test_a_test_is_documented_here_or_as_on_another_side(tmp_path):
    found = load(tmp_path)
    broken, first, second, _ = found.side

    assert second.documented[ONE] is first.documented[TWO]
    assert second.documented["test_simple_async.py::test_simple_async"] is broken.outcome[1]
    assert second.documented["test_dao.py::test_dao"].outcome == "flaky"
    assert second.inherited == {
        **dict.fromkeys((ONE, TWO), "fix-01"),
        "test_simple_async.py::test_simple_async": "broken",
    }
    assert found.sets["servers"] == (ONE, TWO, "test_dao.py::test_dao")


def test_what_a_file_states_goes_before_what_is_as_elsewhere(tmp_path):
    own = SECOND.replace('["postgres"]', '["postgres", "first"]')

    side = load(tmp_path, {**FILES, SECOND_FILE: own}).get("fix-02")

    assert (side.documented[ONE].outcome, side.documented[TWO].outcome) == ("flaky", "passed")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (COMMON_FILE, "schema_version = 2", "schema_version = 1", "key schema_version: "),
        (COMMON_FILE, 'title = "A', 'titel = "A', "key broken.titel: there is no such key here;"
         " did you mean title?"),
        (COMMON_FILE, "postgres =", "postgers =", "key tests.postgers: Input should be 'mongo', "),
        (COMMON_FILE, "first = [", "mongo = [", "key sets.mongo: [tests] has a group of that name"),
        (COMMON_FILE, '"mongo", "test_dao.py"', '"last"', "key sets.servers: last is not in"),
        (COMMON_FILE, '= "fix-01"', '= "fix-77"', "key recommended: fix-77 is not a remedy"),
        (COMMON_FILE, '= "fix-01"', '= "trap-01"', "key recommended: trap-01 is not a remedy"),
        (COMMON_FILE, '["fix-01"]', '["broken"]', "key tour: broken is not a remedy or a trap"),
        (COMMON_FILE, '["fix-02"]', '["fix-77"]', "key guide.0.sides: fix-77 is not a remedy"),
        (COMMON_FILE, '["trap-01"]', '["trap-77"]', "key practice.0.sides: trap-77 is not"),
        (COMMON_FILE, ', "control"]', "]", "key outcome: nothing is documented of test_simple_"),
        (FIRST_FILE, "changes", "colour", "there are title, source, changes, why, when, alone,"),
        (FIRST_FILE, 'when = "Always."', "", "key when: Field required"),
        (FIRST_FILE, '["pytest.ini"]', "[]", "key changes: Tuple should have at least 1 item"),
        (FIRST_FILE, '"passed"', '"broke"', "key outcome.0.outcome: Input should be 'passed', "),
        (FIRST_FILE, '"passed"', '"failed"', "key outcome.0: kind must be given for a failure"),
        (FIRST_FILE, "Another sentence that is long enough to say why.", "So.",
         "key outcome.0.why: String should have at least 20 characters"),
        (FIRST_FILE, "Another sentence that", "UNEXPLAINED", "key outcome.0.why: this outcome was"
         " accepted from a run and not explained yet"),
        (FIRST_FILE, '"first", "test_jobs.py', '"test_jobs.py', "nothing is documented of test_jo"),
        (FIRST_FILE, '"first"', '"frist"', "key outcome.0.tests: frist is not in [tests] or [sets]"
         " of remedies.toml; did you mean first?"),
        (COMMON_FILE, '["postgres", ', '["first", "postgres", ', "key broken.outcome.1.tests:"
         " test_jobs.py::test_job_api[one] has an outcome above"),
        (FIRST_FILE, '"postgres", "control"', '"mongo"', "key same_as.broken: the outcomes of"
         " mongo are all stated below"),
        (FIRST_FILE, "broken =", "fix-01 =", "key same_as.fix-01: there is no other side"),
        (SECOND_FILE, '["mongo"]', '["postgres"]', "key same_as.fix-01: the outcomes of"),
        (SECOND_FILE, '["mongo"]', '["control"]', "key same_as.fix-01: fix-01 itself states"),
        (SECOND_FILE, 'broken = ["control"]', 'broken = ["control", "first"]', " is as on broken"),
        (SECOND_FILE, 'title = "A', "title = A", " is not TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_file_and_key(tmp_path, file, old, new, words):
    assert old in FILES[file]

    with pytest.raises(ManifestError) as told:
        load(tmp_path, {**FILES, file: FILES[file].replace(old, new, 1)})

    assert str(told.value).startswith(file)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("02_same", "fixed/02_second: its number must be 03 after fixed/02_same"),
        ("04_far", "fixed/04_far: its number must be 03 after fixed/02_second"),
        ("new", "fixed/new: the folder's name must be like 03_in_words"),
    ],
)
def test_a_folder_without_its_number_is_told(tmp_path, name, words):
    with pytest.raises(ManifestError, match=f"^{words}"):
        load(tmp_path, {**FILES, f"fixed/{name}/remedy.toml": SECOND})


def test_what_another_branch_left_behind_is_no_side(tmp_path):
    assert len(load(tmp_path, {**FILES, "fixed/03_gone/__pycache__/x.pyc": ""}).side) == 4


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    with pytest.raises(ManifestError, match=r"^cannot read fixed/03_x/remedy.toml: No such file"):
        load(tmp_path, {**FILES, "fixed/03_x/README.md": ""})
    (tmp_path / "fixed/03_x/remedy.toml").write_bytes(SECOND.encode("utf-16"))
    with pytest.raises(ManifestError, match=r"^fixed/03_x/remedy.toml is not UTF-8: .* at byte 0"):
        manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("says", "1", "key variant.0.says: Input should be a valid string"),
        ("sayd", '"So."', "key variant.0.sayd: there is no such key here; did you mean says?"),
        ("said_by", '"fix-77"', "key variant.0.said_by: there is no side fix-77"),
        ("among", '["frist"]', "key variant.0.among: frist is not in [tests] or [sets]"),
        ("edits", '[{ file = "a.py", old = "a", new = "b" }]', "edits: there is no file fixed/01"),
    ],
)
def test_a_mistake_in_a_variant_is_told(tmp_path, key, value, words):
    variant = {"id": '"some"', "says": '"So."', "fails": "0"} | {key: value}
    text = "[[variant]]\n" + "".join(f"{key} = {value}\n" for key, value in variant.items())
    name = "fixed/01_first/variants.toml"

    with pytest.raises(ManifestError) as told:
        variants.load(load(tmp_path, {**FILES, name: text}), tmp_path)

    assert str(told.value).startswith(name)
    assert words in str(told.value)


def test_a_side_that_does_not_exist_is_answered_with_those_that_do(tmp_path):
    found = load(tmp_path)

    with pytest.raises(CommandError, match=r"no side 'fix-77'; there are broken, fix-01, fix-02"):
        found.get("fix-77")
    with pytest.raises(CommandError, match=r"which trap\? they are 1 to 1"):
        found.numbered("trap", "")
