"""What whichloop recorded of a run, in the form of run.json. Pure: its recording in, fields out."""

from __future__ import annotations

from typing import Any

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


def name(actor: dict[str, Any] | None) -> str | None:
    """Who did it, in a word or two: "fixture _session_scoped_runner"; None if nobody knows."""
    return f"{actor['kind']} {actor['name']}" if actor else None
