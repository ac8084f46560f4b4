"""Another checkout, at a path with spaces and letters of many alphabets, and one that differs."""

import json

from tests.checkouts import Checkout


def test_a_run_as_documented_and_then_one_that_differs(
    checkout: Checkout, external: dict[str, str]
) -> None:
    done = checkout.scripts("reproduce", **external).must_exit(0)
    assert "each as documented" in done.out
    run = checkout.folder / "results" / "broken" / "run.json"
    assert len(json.loads(run.read_text("utf-8"))["tests"]) == 26

    # A side that is wired otherwise: with fixtures on the test's own loop Motor's tests pass.
    checkout.change("broken/pytest.ini", "loop_scope = session", "loop_scope = function")
    done = checkout.scripts("reproduce", **external).must_exit(1)

    assert "NOT AS DOCUMENTED: 7 of 26 tests fail: 7 asyncpg" in done.out
    named = [line for line in done.out.splitlines() if line.startswith("  test_job")]
    differences = [line for line in named if ": documented " in line]
    assert len(differences) == 6
    assert all(
        "documented failed, attached to a different loop (motor), was passed" in line
        for line in differences
    )
    assert "Versions in play: Python 3." in done.out
    assert "each as documented" not in done.out
