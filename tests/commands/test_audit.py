"""What `make audit` makes of pip-audit's report; asking itself needs PyPI's own data."""

import pytest

from scripts.errors import CommandError
from scripts.maintain import audit

FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": ["GHSA-x"], "description": ""}
PIN = {"name": "a", "version": "1.0", "vulns": [FLAW]}


def test_a_pin_without_an_answer_is_not_taken_for_a_good_one() -> None:
    skipped = {"name": "b", "skip_reason": "Dependency not found on PyPI"}

    with pytest.raises(CommandError, match="b: Dependency not found on PyPI among them"):
        audit.vulnerabilities([PIN, skipped])


def test_a_vulnerability_is_named_with_what_fixes_it() -> None:
    assert audit.vulnerabilities([PIN]) == ["a 1.0: PYSEC-2026-1, fixed in ['2.0']"]


def test_an_accepted_vulnerability_is_left_out_by_any_of_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(audit.ACCEPTED, "GHSA-x", "never called here")

    assert audit.vulnerabilities([PIN]) == []
