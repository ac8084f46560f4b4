"""Every suite of the zoo, held to what it expects; every first cure, applied.

``tests/zoo/NN_name/`` is a small pytest project. ``expected.toml`` says which tests fail (with its
``options``) and what whichloop must say of one of them, and what the audit foresees;
``cure.patch`` is its first cure as a change of files, and ``wrong_cure.patch``, where there is one,
a cure that is right elsewhere and does not help here.
"""

import json
import shutil
import tomllib
from functools import cache

import pytest
from conftest import ZOO, Run, run_pytest
from tried import patched

SUITES = sorted(folder for folder in ZOO.iterdir() if (folder / "expected.toml").exists())
EXPECTED = {folder.name: tomllib.loads((folder / "expected.toml").read_text()) for folder in SUITES}
SICK = [name for name, expected in EXPECTED.items() if not expected.get("healthy")]
HEALTHY = [name for name, expected in EXPECTED.items() if expected.get("healthy")]
# A run that another test makes already, so that it is made once.
ON = {False: (), True: ("--whichloop=explain",)}
WRONG = [name for name in SICK if (ZOO / name / "wrong_cure.patch").exists()]


@pytest.fixture(scope="module")
def suite(tmp_path_factory, urls_of):
    """Copies a suite, applies a patch, and runs it; the same run is made once."""

    @cache
    def run(name: str, *args: str, patch: str = "") -> Run:
        folder = tmp_path_factory.mktemp("zoo") / name
        shutil.copytree(ZOO / name, folder)
        if patch:
            patched(folder, patch)
        return run_pytest(folder, *args, env=urls_of(*EXPECTED[name]["needs"]))

    return run


def test_the_zoo_is_as_large_and_as_varied_as_it_says():
    assert len(SICK) >= 25
    assert len(HEALTHY) >= 10
    assert len(WRONG) >= 3
    for name in SICK:
        row = EXPECTED[name]["audit"]
        assert bool(row.get("foreseen") or row.get("notes")) != bool(row.get("not_foreseen")), name
    kinds = [
        (EXPECTED[name]["driver"], found["cause"], found["first_cure"], found.get("message"))
        for name in SICK
        for found in [EXPECTED[name]["finding"]]
    ]
    assert len(kinds) == len(set(kinds)), "two suites with the same driver, cause, cure and message"


@pytest.mark.parametrize("name", SICK)
def test_a_sick_suite_is_explained(suite, name):
    expected = EXPECTED[name]
    run = suite(name, *expected.get("options", []))

    assert run.failed == set(expected["failed"]), run.out
    wanted = expected["finding"]
    findings = [finding for finding in run.findings if finding["during"] == wanted["test"]]
    assert findings, run.out
    finding = findings[0]
    seen = {
        "test": finding["during"],
        "object": (finding["object"] or {}).get("type", ""),
        "kept_by": (finding["object"] or {}).get("kept_by", ""),
        "inside": (finding["object"] or {}).get("inside", ""),
        "bound_owner": (finding["bound_loop"] or {}).get("owner", ""),
        "using_owner": (finding["using_loop"] or {}).get("owner", ""),
        "used_by": finding["used_by"]["name"],
        "cause": finding["cause"],
        "crossing_line": finding["crossing_line"] or "",
        "message": finding["message"] or "",
        "first_cure": finding["cures"][0]["id"] if finding["cures"] else "",
    }
    # What a suite leaves empty is not part of its case: there is no such object, loop or line.
    assert {key: seen[key] for key in wanted if wanted[key]} == {
        key: value for key, value in wanted.items() if value
    }, run.out
    assert "whichloop" in run.out
    if "cured" in expected:
        assert finding["cures"][0]["tried"], "python tests/whichloop/tried.py"


@pytest.mark.parametrize("name", SICK)
def test_the_first_cure_cures(suite, name):
    run = suite(name, *EXPECTED[name].get("options", []), patch="cure")

    assert run.code == 0, run.out
    assert run.findings == []


@pytest.mark.parametrize("name", WRONG)
def test_a_cure_that_is_right_elsewhere_does_not_help(suite, name):
    run = suite(name, patch="wrong_cure")

    assert run.code == 1, run.out
    assert run.failed, run.out


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("mode", ["explain", "strict"])
def test_a_healthy_suite_hears_nothing(suite, name, mode):
    run = suite(name, f"--whichloop={mode}")

    assert run.failed == set(EXPECTED[name]["failed"]), run.out
    assert run.findings == [], run.out
    assert "- whichloop" not in run.out


@pytest.mark.parametrize("name", [*SICK, *HEALTHY])
def test_the_audit_foresees_what_the_suite_says(suite, name):
    """`foreseen` has the codes of what is certain, `notes` those of the notes; a sick suite without
    either says in `not_foreseen` why that cannot be."""
    row = EXPECTED[name].get("audit", {})
    run = suite(name, "--whichloop-audit=json")

    findings = json.loads(run.out)["findings"]
    codes = {
        sure: {one["code"] for one in findings if one["sure"] is sure} for sure in (True, False)
    }
    assert codes[True] == set(row.get("foreseen", [])), run.out
    assert codes[False] == set(row.get("notes", [])), run.out
    assert run.code == (1 if codes[True] else 0)
    assert not run.outcomes, "the audit ran a test"


@pytest.mark.parametrize("name", [*SICK, *HEALTHY])
def test_outcomes_order_and_warnings_are_the_same_without_whichloop(suite, name):
    """What explains a failure must not touch it; the outcome of each phase, in order."""
    with_it, without = suite(name, *ON[name in HEALTHY]), suite(name, "--whichloop=off")

    assert without.log["outcomes"]
    assert with_it.code == without.code
    assert with_it.log == without.log
