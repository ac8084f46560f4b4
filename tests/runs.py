"""Runs that nobody ran, for the judge: what run.json would hold."""

from __future__ import annotations

from typing import Any

from scripts.manifest import Manifest, Side
from scripts.results import Run


def entry(nodeid: str, outcome: str, **error: Any) -> dict[str, Any]:
    """One of `tests[]` in run.json."""
    details = {"type": "RuntimeError", "message": "said so", "driver": None, "at": None} | error
    return {
        "nodeid": nodeid,
        "group": "control",
        "outcome": outcome,
        "phase": "call",
        "duration_s": 0.1,
        "loop": None,
        "reruns": 0,
        "error": details if error else None,
    }


def run_of(*tests: dict[str, Any], exit_code: int | None = None, **more: Any) -> Run:
    """A run of these tests; its exit code is pytest's for them if none is given."""
    failed = any(test["outcome"] in ("failed", "error") for test in tests)
    code = int(failed) if exit_code is None else exit_code
    fixed = {"side": "broken", "exit_code": code, "collection_errors": []}
    return Run.of({**fixed, "tests": list(tests), **more})


def documented(manifest: Manifest, side: Side) -> list[dict[str, Any]]:
    """Every test of the side, with just the outcome that is documented."""
    entries = []
    for nodeid in manifest.nodeids:
        expected = side.documented(nodeid)
        error = {"kind": expected.kind, "driver": expected.driver} if expected.kind else {}
        entries.append(entry(nodeid, expected.outcome, **error))
    return entries
