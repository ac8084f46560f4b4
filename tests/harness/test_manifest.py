"""remedies.toml: what it must say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from scripts.errors import CommandError, ManifestError
from scripts.sides import manifest

GOOD = """\
schema_version = 1
recommended = "fix-01"
tour = ["fix-01"]
guide = []
practice = []

[tests]
mongo = ["test_jobs.py::test_job_api[one]", "test_jobs.py::test_job_api[two]"]
postgres = []
control = ["test_simple_async.py::test_simple_async"]

[[side]]
id = "broken"
folder = "broken"
title = "A title"
source = "A report"

[[side.outcome]]
tests = ["test_jobs.py"]
outcome = "failed"
kind = "different_loop"
driver = "motor"
why = "A sentence that is long enough to say why."

[[side.outcome]]
tests = ["test_simple_async.py"]
outcome = "passed"
why = "A sentence that is long enough to say why."

[[side]]
id = "fix-01"
folder = "fixed/01"
title = "Another title"
source = "Another report"
changes = ["pytest.ini"]
verdict = { overall = "RESOLVED_FULL", mongo = "RESOLVED_FULL", postgres = "RESOLVED_NO" }
why = "It cures."
when = "Always."

[[side.outcome]]
tests = [
    "test_jobs.py",
    "test_simple_async.py",
]
outcome = "passed"
why = "Another sentence that is long enough to say why."
"""
FIX = GOOD[GOOD.index('[[side]]\nid = "fix-01"') :]
TRAP = FIX.replace("fix-01", "trap-01").replace("fixed/01", "traps/01")


def load(folder: Path, text: str) -> manifest.Manifest:
    path = folder / "remedies.toml"
    path.write_text(text, "utf-8")
    return manifest.load(path)


def test_the_manifest_of_this_project_is_sound() -> None:
    broken = manifest.load().get("broken")

    kinds = {entry.kind for entry in broken.outcome}
    assert {"different_loop", None} <= kinds


def test_the_longest_match_documents_a_test(tmp_path: Path) -> None:
    own = GOOD.replace(
        '[[side.outcome]]\ntests = ["test_simple_async.py"]',
        '[[side.outcome]]\ntests = ["test_simple_async.py", "test_jobs.py::test_job_api[two]"]',
    )

    side = load(tmp_path, own).get("broken")

    assert side.documented("test_jobs.py::test_job_api[one]").outcome == "failed"
    assert side.documented("test_jobs.py::test_job_api[two]").outcome == "passed"


def test_a_side_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no side 'fix-77'; there are broken, fix-01"):
        load(tmp_path, GOOD).get("fix-77")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("schema_version = 1", "schema_version = 2", 1, "schema_version"),
        (
            'title = "A title"',
            'titel = "A title"',
            15,
            "side.0.titel of broken: there is no such key here; did you mean title?",
        ),
        ('source = "A report"', 'source = "A report"\ncolour = 1', 17, "side.0.colour"),
        ('outcome = "failed"', 'outcome = "broke"', 20, "side.0.outcome.0.outcome"),
        ('kind = "different_loop"', 'kind = "other_loop"', 21, "side.0.outcome.0.kind"),
        ('outcome = "passed"', 'outcome = "failed"', 25, "kind must be given"),
        ('id = "broken"', 'id = "borken"', 13, "side.0.id"),
        ('why = "A sentence that is long enough to say why."', 'why = "so"', 23, "outcome.0.why"),
        ('["test_simple_async.py"]', "[]", 26, "side.0.outcome.1.tests"),
        (
            '["test_simple_async.py"]',
            '["test_jobs.py"]',
            18,
            "side.0.outcome of broken: documents nothing of"
            " test_simple_async.py::test_simple_async (see line 10)",
        ),
        (
            '["test_jobs.py"]',
            '["test_jobs.py", "test_hobs.py"]',
            19,
            "side.0.outcome.0.tests.1 of broken: documents test_hobs.py",
        ),
        (
            '    "test_simple_async.py",\n',
            '    "test_simple_async.py",\n    "test_hobs.py",\n',
            44,
            "side.1.outcome.0.tests.2 of fix-01: documents test_hobs.py, which is not in [tests]",
        ),
        (
            '"test_jobs.py"]',
            '"test_jobs.py::test_job_apy[two]", "test_jobs.py"]',
            19,
            "which is not in [tests]; test_jobs.py::test_job_api[two] is (see line 8)",
        ),
        ("postgres = []", 'postgres = ["test_dao.py::test_dao"]', 18, "test_dao (see line 9)"),
        ("postgres = []", "postgers = []", 9, "tests.postgers: Input should be 'mongo', "),
        ('"fix-01"\n', '"fix-77"\n', 2, "recommended: fix-77 is not a remedy"),
        ('"fix-01"\n', '"broken"\n', 2, "recommended: broken is not a remedy"),
        ('["fix-01"]', '["fix-01", "fix-77"]', 3, "tour.1: fix-77 is not a remedy or a trap"),
        ('["fix-01"]', '["broken"]', 3, "tour.0: broken is not a remedy or a trap"),
        (
            "guide = []",
            'guide = [{ question = "?", answer = "!", sides = ["fix-77"] }]',
            4,
            "guide.0.sides.0: fix-77",
        ),
        ('id = "broken"', 'id = "trap-01"\nwhen = "So."', 12, "needs changes, verdict, why"),
        (FIX, "", 2, "recommended: fix-01 is not a remedy"),
        ('why = "It cures."', "", 30, "side.1.why of fix-01: a remedy or trap needs why"),
        ('when = "Always."', 'when = ""', 38, "side.1.when of fix-01: a remedy or trap needs when"),
        ('mongo = "RESOLVED_FULL"', 'mongo = "CURED"', 36, "side.1.verdict.mongo of fix-01: Input"),
        ('mongo = "RESOLVED_FULL"', 'mango = "CURED"', 36, "did you mean mongo?"),
        ('when = "Always."', 'when = "Always."\ncolour = 1', 39, "there are id, folder, title,"),
        ('id = "fix-01"', 'id = "fix-02"', 31, "side.1.id of fix-02: fix-02 stands where fix-01"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(ManifestError) as told:
        load(tmp_path, GOOD.replace(old, new, 1))

    assert f"remedies.toml, line {line}, key " in str(told.value)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        (FIX, 49, "side.2.id of fix-01: fix-01 is the id of another side too (see line 31)"),
        (
            FIX.replace("fix-01", "fix-02"),
            50,
            "side.2.folder of fix-02: fixed/01 is the folder of another side too (see line 32)",
        ),
        (
            FIX.replace("fix-01", "fix-03").replace("fixed/01", "fixed/03"),
            49,
            "side.2.id of fix-03: fix-03 stands where fix-02 is due",
        ),
        (
            '[[practice]]\nid = "P1"\ntext = "T"\nfinding = "F"\nsides = ["fix-77"]\n',
            52,
            "practice.0.sides.0: fix-77 is not a remedy or a trap",
        ),
    ],
)
def test_what_is_wrong_only_beside_the_rest_is_told_with_its_line_and_key(
    tmp_path: Path, more: str, line: int, words: str
) -> None:
    text = GOOD.replace("practice = []\n", "\n") if "practice" in more else GOOD

    with pytest.raises(ManifestError) as told:
        load(tmp_path, f"{text}\n{more}")

    assert f"remedies.toml, line {line}, key {words}" in str(told.value)


def test_a_trap_may_be_named_but_is_never_recommended(tmp_path: Path) -> None:
    text = GOOD.replace('tour = ["fix-01"]', 'tour = ["trap-01"]') + "\n" + TRAP

    assert load(tmp_path, text).tour == ("trap-01",)
    with pytest.raises(ManifestError, match="line 2, key recommended: trap-01 is not a remedy"):
        load(tmp_path, text.replace('recommended = "fix-01"', 'recommended = "trap-01"'))


def test_a_manifest_without_the_broken_side_is_refused(tmp_path: Path) -> None:
    sides = GOOD.index("[[side]]")

    with pytest.raises(ManifestError, match="line 12, key side: none of the sides is broken"):
        load(tmp_path, GOOD[:sides] + FIX)


def test_lines_are_counted_by_statement_and_not_by_what_looks_like_one(tmp_path: Path) -> None:
    text = '''why = """
title = "no key"
[[side]]
"""'''
    own = GOOD.replace('why = "It cures."', text).replace(
        '[[side]]\nid = "fix', '  [[ side ]] # 1\nid = "fix'
    )

    with pytest.raises(ManifestError, match=r"line 41, key side.1.when of fix-01"):
        load(tmp_path, own.replace('when = "Always."', "when = 1"))


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "remedies.toml"
    path.write_bytes(GOOD.replace("A report", "A repört").encode("latin-1"))

    with pytest.raises(ManifestError, match=r"remedies.toml, line 16: byte 0xf6 is not UTF-8"):
        manifest.load(path)


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"remedies.toml is not TOML: .*line 13"):
        load(tmp_path, GOOD.replace('id = "broken"', "id = broken"))


def test_a_manifest_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"cannot read remedies.toml: No such file"):
        manifest.load(tmp_path / "remedies.toml")
