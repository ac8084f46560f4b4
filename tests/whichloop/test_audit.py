"""What `--whichloop-audit` foresees, and how it says so. Nothing is run."""

import json

import pytest
from conftest import ini, run_suite
from whichloop.cli import main

MISMATCH = """
    import pytest

    @pytest.fixture
    async def test_db(): ...

    @pytest.mark.parametrize("n", range(5))
    async def test_rows(test_db, n): ...
"""


def test_the_audit_names_mismatches_through_other_fixtures_and_runs_nothing(suite):
    text = """
    import pytest

    @pytest.fixture
    async def test_db():
        raise RuntimeError("this was run")

    @pytest.fixture
    def through(test_db):
        return test_db

    async def test_direct(test_db): ...
    async def test_through(through): ...
    def test_sync(test_db): ...
    """

    run = suite("--whichloop-audit", test_a=text)

    assert run.code == 1
    assert (
        "WL001 loop scope mismatch: fixture test_db runs on a session loop, the tests that use it "
        "on a function loop (test_a.py:4) 2 tests: test_a.py::test_direct test_a.py::test_through "
    ) in " ".join(run.out.split())
    assert "    test_a.py::test_sync" not in run.out
    assert "this was run" not in run.out
    assert "1 loop problem in 3 collected tests; nothing was run" in run.out


def test_the_audit_names_a_fixture_cached_longer_than_its_loop(suite):
    text = """
    import pytest

    @pytest.fixture(scope="module")
    async def value(): ...

    async def test_value(value): ...
    """

    run = suite("--whichloop-audit", fixture="function", test_a=text)

    assert run.code == 1
    assert "fixture value is cached for the module but runs on a function loop" in (
        " ".join(run.out.split())
    )


@pytest.mark.parametrize("options", ["", "autouse=True"])
def test_an_ignored_event_loop_override_is_a_note_and_no_problem(suite, options):
    text = f"""
    import asyncio
    import pytest

    @pytest.fixture({options})
    def event_loop():
        loop = asyncio.new_event_loop()
        yield loop
        loop.close()

    async def test_a(): ...
    """

    run = suite("--whichloop-audit", fixture="function", test_a=text)

    assert run.code == 0
    assert "note WL010 ignored fixture: fixture event_loop is ignored: " in run.out
    assert "(test_a.py:5)" in run.out
    assert "0 loop problems, 1 note in 1 collected test; nothing was run" in run.out
    assert main(["explain", "WL010"]) == 0


def test_the_audit_passes_when_scopes_agree_and_fails_on_a_broken_conftest(suite):
    assert suite("--whichloop-audit", test="session", test_a=MISMATCH).code == 0

    bad = suite("--whichloop-audit", conftest="raise RuntimeError('broken conftest')\n")
    assert bad.code == 4
    assert "broken conftest" in bad.out
    assert "whichloop/" not in bad.out


def test_each_finding_is_told_once_with_its_tests_counted(suite):
    run = suite("--whichloop-audit", test_a=MISMATCH)

    assert "  5 tests:\n    test_a.py::test_rows[0]\n" in run.out
    assert "    test_a.py::test_rows[2]\n    and 2 more\n" in run.out
    assert run.out.count("fixture test_db") == 1


def test_the_audit_as_json_is_all_that_is_written(suite):
    run = suite("--whichloop-audit=json", test_a=MISMATCH)

    assert run.code == 1
    audit = json.loads(run.out)
    assert (audit["schema_version"], audit["tests"]) == (1, 5)
    (finding,) = audit["findings"]
    assert (finding["code"], finding["sure"], finding["count"]) == ("WL001", True, 5)
    assert (finding["file"], finding["line"]) == ("test_a.py", 4)
    assert finding["tests"][4] == "test_a.py::test_rows[4]"


def test_the_audit_as_annotations_of_a_workflow(tmp_path):
    name = "a,b"  # signs that separate the properties of an annotation
    override = "import pytest\n\n@pytest.fixture\ndef event_loop(): ...\n"
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "conftest.py").write_text(override)
    (tmp_path / name / "test_b.py").write_text("async def test_b(): ...\n")
    text = "\n".join(line[4:] for line in MISMATCH.splitlines())

    run = run_suite(tmp_path, "--whichloop-audit=github", ini=ini(), test_a=text)

    errors = [line for line in run.out.splitlines() if line.startswith("::")]
    assert [line.partition("::fixture")[0] for line in errors] == [
        "::notice file=a%2Cb/conftest.py,line=3,title=WL010 ignored fixture",
        "::error file=test_a.py,line=4,title=WL001 loop scope mismatch",
    ]
    assert errors[1].endswith("on a function loop; 5 tests")
    assert run.code == 1


def test_what_stands_behind_the_option_is_a_path_and_no_form(suite):
    run = suite("--whichloop-audit", "test_a.py", test_a=MISMATCH, test_b="import nothing_such")

    assert (run.code, run.outcomes) == (1, {})
    assert "1 loop problem in 5 collected tests" in run.out
    assert suite("--whichloop-audit=xml").code == 4
