"""remedies.toml: what it must say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from scripts import manifest
from scripts.errors import CommandError, ManifestError

GOOD = """\
schema_version = 1
recommended = "broken"
tour = ["broken"]
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
"""


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
    with pytest.raises(CommandError, match=r"no side 'fix-77'; there are broken"):
        load(tmp_path, GOOD).get("fix-77")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("schema_version = 1", "schema_version = 2", 1, "schema_version"),
        ('title = "A title"', 'titel = "A title"', 12, "side.0.title"),
        ('source = "A report"', 'source = "A report"\ncolour = 1', 17, "side.0.colour"),
        ('outcome = "failed"', 'outcome = "broke"', 20, "side.0.outcome.0.outcome"),
        ('kind = "different_loop"', 'kind = "other_loop"', 21, "side.0.outcome.0.kind"),
        ('outcome = "passed"', 'outcome = "failed"', 25, "kind must be given"),
        ('id = "broken"', 'id = "borken"', 13, "side.0.id"),
        ('why = "A sentence that is long enough to say why."', 'why = "so"', 23, "outcome.0.why"),
        ('["test_simple_async.py"]', "[]", 26, "side.0.outcome.1.tests"),
        ('["test_simple_async.py"]', '["test_jobs.py"]', 1, "documents nothing of test_simple"),
        ('["test_jobs.py"]', '["test_jobs.py", "test_hobs.py"]', 1, "test_hobs.py"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(ManifestError) as told:
        load(tmp_path, GOOD.replace(old, new, 1))

    assert f"remedies.toml, line {line}, key " in str(told.value)
    assert words in str(told.value)


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"remedies.toml is not TOML: .*line 13"):
        load(tmp_path, GOOD.replace('id = "broken"', "id = broken"))


def test_a_manifest_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"cannot read remedies.toml: No such file"):
        manifest.load(tmp_path / "remedies.toml")
