"""Runs that nobody ran: what run.json would hold, and a session that does no more than write it."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.commands.session import Session
from scripts.run import results
from scripts.run.environment import versions
from scripts.run.model import Run
from scripts.servers.model import Server, Servers
from scripts.sides import manifest
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.grade import Judgement, judge
from scripts.views.evidence import Evidence


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
    whole = {"side": "broken", "backend": "embedded", "servers": {}, "versions": {}}
    return Run.model_validate({**whole, "exit_code": code, "tests": list(tests), **more})


def documented(manifest: Manifest, side: Side) -> list[dict[str, Any]]:
    """Every test of the side, with just the outcome that is documented."""
    entries = []
    for nodeid in manifest.nodeids:
        expected = side.documented[nodeid]
        error = {"kind": expected.kind, "driver": expected.driver} if expected.kind else {}
        flaky = expected.outcome == "flaky"
        outcome = "passed" if flaky else expected.outcome
        entries.append(entry(nodeid, outcome, **error) | {"reruns": int(flaky)})
    return entries


def write_run(folder: Path, manifest: Manifest, name: str, **more: Any) -> Path:
    """`<folder>/<side>/run.json` of a run in which all was as documented, but for `more`."""
    side = manifest.get(name)
    tests = documented(manifest, side)
    whole: dict[str, Any] = {
        "side": name,
        "backend": "embedded",
        "servers": {
            "mongodb": {"product": "SecantusDB", "version": "0.7"},
            "postgres": {"product": "PostgreSQL", "version": "18.4"},
        },
        "versions": {"python": "3.11.7", "pytest": "9.2.0"},
        "command": f".venv/bin/pytest {side.folder}",
        "duration_s": 2.0,
        "counts": {"postgres": {"opened": 54, "peak": 17, "left_open": 17}},
        "logged_errors": {},
    }
    data = run_of(*tests, **(whole | more)).to_data()
    path = folder / name / "run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema_version": 1, **data}), "utf-8")
    return path


def judgement_of(folder: Path, side: str) -> Judgement:
    """What a run in this results folder is, held against the manifests."""
    whole = manifest.load()
    return judge(results.read(folder / side / "run.json"), whole.get(side), whole)


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
# What is left of a pytest that was killed before any test: see `run_side`.
KILLED: dict[str, Any] = {
    "tests": [],
    "exit_code": -9,
    "stopped": "it had not ended after 1 s (WRONGLOOP_LIMIT_S)",
    "duration_s": 0.0,
    "counts": {},
}
# What a run.json may hold and be no run.
NO_RUNS = (
    *("[]", "null", "", "{", '{"schema_version": 1}', '{"schema_version": 1, "tests": [7]}'),
    '{"schema_version": 0, "tests": 7}',  # of another version of these scripts
)


def many_tests(number: int) -> tuple[Manifest, Evidence]:
    """A suite of so many tests, of which half fail on broken/: its manifest and its runs."""
    whole = manifest.load()
    nodeids = tuple(f"test_{at // 50}.py::test_{at}[{HOSTILE}]" for at in range(number))
    passed = [entry(nodeid, "passed") for nodeid in nodeids]
    failed = [entry(nodeid, "failed", kind="other") for nodeid in nodeids[1::2]] + passed[::2]
    runs = {side.id: run_of(*passed, side=side.id) for side in whole.side[1:]}
    documented = dict.fromkeys(nodeids, whole.side[0].outcome[0])
    sides = tuple(dataclasses.replace(side, documented=documented) for side in whole.side)
    tests = {"mongo": nodeids[::2], "postgres": nodeids[1::2], "control": ()}
    suite = dataclasses.replace(whole, tests=tests, side=sides)
    return suite, Evidence({"broken": run_of(*failed), **runs})


SERVERS = Servers(
    "embedded", "t", Server("", "SecantusDB", "0.7"), Server("", "PostgreSQL", "18.4"), ""
)


class RecordedSession:
    """Opens sessions in which a run is one as documented, but for `more`; `ran` are their sides."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.ran: list[str] = []
        self.more: dict[str, dict[str, Any]] = {}

    @contextmanager
    def open(self, sides: object = ()) -> Iterator[Session]:
        yield Session(SERVERS, self.run_side)

    def run_side(self, side: Side, on_line: object = None) -> Run:
        """In place of pytest: writes the run."""
        self.ran.append(side.id)
        more = {"versions": versions()} | self.more.get(side.id, {})
        return results.read(write_run(self.folder, self.manifest, side.id, **more))
