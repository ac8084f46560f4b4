"""What whichloop recorded of a run, in the form of run.json. Pure: its recording in, fields out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scripts.run.results import Run

FEW = 3  # loops that a test may have run on, to be drawn
FAILING = ("failed", "error")
DRIVERS = ("motor", "pymongo", "sqlalchemy", "asyncpg", "psycopg", "httpx")


def fields(recording: dict[str, Any]) -> dict[str, Any]:
    """`loops`, `fixtures` and `connections` of run.json; loops are named A, B, C as they are born.

    Empty lists if there is no recording: pytest died, or whichloop was switched off.
    """
    return {
        "loops": [
            {
                "id": loop["id"],
                "scope": loop["scope"],
                "thread": loop["thread"],
                "opened_by": name(loop["opened_by"]),
                "closed_by": name(loop["closed_by"]),
            }
            for loop in recording.get("loops", ())
        ],
        "fixtures": [
            {key: fixture[key] for key in ("name", "caching_scope", "loop_scope", "loop")}
            for fixture in recording.get("fixtures", ())
        ],
        "connections": [
            {key: each[key] for key in ("driver", "opened_on", "opened_by", "used_on")}
            for each in recording.get("connections", ())
            if each["driver"] in DRIVERS
        ],
    }


def loops_of_tests(recording: dict[str, Any]) -> dict[str, str]:
    """{node id: the loop its body ran on}; a test's other rows are of its setup and teardown."""
    return {
        test["name"]: test["loop"]
        for test in recording.get("tests", ())
        if test["outcome"] is not None
    }


def worth_drawing(recording: dict[str, Any], run: Run, broken: Run) -> list[str]:
    """A test of each half for the picture of a run: one that fails here on several loops if there
    is one, else one that failed on broken/. Empty if no test of the run ever failed.

    A test that was repeated, on a loop each time, would fill the picture.
    """
    ran = Counter(test["name"] for test in recording.get("tests", ()) if test["outcome"])
    crossed = {crossing["during"] for crossing in recording.get("crossings", ())}
    found: dict[str, tuple[bool, bool, str]] = {}
    for test in run.tests.values():
        before = broken.tests.get(test.nodeid)
        fails = test.outcome in FAILING
        failed = fails or (before is not None and before.outcome in FAILING)
        if failed and ran[test.nodeid] <= FEW:
            mark = (test.nodeid not in crossed, not fails, test.nodeid)
            if test.group not in found or mark[:2] < found[test.group][:2]:
                found[test.group] = mark
    return [nodeid for _, _, nodeid in found.values()]


def name(actor: dict[str, Any] | None) -> str | None:
    """Who did it, in a word or two: "fixture _session_scoped_runner"; None if nobody knows."""
    return f"{actor['kind']} {actor['name']}" if actor else None
