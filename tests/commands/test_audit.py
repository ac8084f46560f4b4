"""What `make audit` makes of pip-audit's report; asking itself needs PyPI's own data."""

import pytest

from scripts.maintain import audit

FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": ["GHSA-x"], "description": ""}


def test_a_pin_without_an_answer_is_not_taken_for_a_good_one() -> None:
    skipped = {"name": "a", "skip_reason": "Dependency not found on PyPI"}

    assert audit.found({"dependencies": [skipped]}) == (["a: Dependency not found on PyPI"], [])


def test_a_vulnerability_is_named_with_what_fixes_it() -> None:
    pin = {"name": "a", "version": "1.0", "vulns": [FLAW]}

    assert audit.found({"dependencies": [pin]})[1] == ["a 1.0: PYSEC-2026-1, fixed in ['2.0']"]


def test_one_that_is_accepted_is_left_out_by_any_of_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(audit.ACCEPTED, "GHSA-x", "never called here")
    pin = {"name": "a", "version": "1.0", "vulns": [FLAW]}

    assert audit.found({"dependencies": [pin]}) == ([], [])
