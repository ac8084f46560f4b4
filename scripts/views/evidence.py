"""What a page is drawn from: the last run of each side, and what to draw of its recording; from
results/, or from the sample that the repository keeps."""

import functools
import json
import os
import platform
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from whichloop.present.section import key
from whichloop.recording import RecordingError, of_json
from whichloop.records import Recording as Recorded

from scripts.errors import CommandError
from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.run.model import Recording, Run
from scripts.sides.manifest import Manifest, Side
from scripts.views.compare import FEW, other_circumstances, targets

# A way through this machine, whose last two parts say which file is meant; a URL's is none.
PART = r"[/\\][^/\\\s:'\"<>|)\]]+"
WAY = re.compile(rf"(?<![\w:/.…])(?:[A-Za-z]:)?(?:{PART})+(?=(?:{PART}){{2}})")
SHORT = [str(place) for place in (Path.home(), tempfile.gettempdir()) if len(str(place)) > 1]
USER = re.compile(r"(?<=://)[^/@\s]+@")
# The fields of a recording's rows that must be there even where nothing is known.
NEEDED = {"scope", "opened_at", "at", "message"}
OF_OBJECTS = ("seq", "driver", "label", "type")  # of which a picture shows nothing else
SHARED = ["backend", "servers", "versions"]  # by all runs that are held against broken/'s
TABLES = ("loops", "fixtures", "tests", "connections", "crossings", "findings")


@dataclass
class Evidence:
    """Runs and recordings by their sides: broken/'s is whole, of the others only what the tests in
    `drawn` need. `about` says when and where the runs were made, `problems` what is lacking, a
    sentence each with the command that makes it."""

    runs: dict[str, Run] = field(default_factory=dict)
    recordings: dict[str, dict[str, Any]] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)
    about: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def recorded(self, side: str, whole: bool = False) -> tuple[Recorded, ...]:
        """The recording of a side, or what is drawn of it; () if there is none that is whole."""
        document = self.recordings.get(side, {})
        try:
            return of_json(document if whole else cut(document, self.drawn))
        except (RecordingError, AttributeError, TypeError):
            return ()


def private(value: Any) -> Any:
    """A JSON value without the ways and passwords of this machine in its texts."""
    if isinstance(value, str) and ("/" in value or "\\" in value):
        value = USER.sub("", WAY.sub("…", value.replace(str(ROOT), "…")))
        return functools.reduce(lambda text, place: text.replace(place, "…"), SHORT, value)
    if isinstance(value, Mapping):
        return {key: private(held) for key, held in value.items()}
    return [private(held) for held in value] if isinstance(value, list | tuple) else value


def from_results(documented: Manifest) -> Evidence:
    """What is in results/, as far as it goes."""
    evidence = Evidence()
    lacking: dict[str, list[Side]] = defaultdict(list)
    for side in documented.side:
        damaged: list[str] = []
        run = results.read_run(side.id, damaged.append)
        broken = evidence.runs.get("broken")
        why = other_circumstances(run, broken) if run and broken else ""
        if run is None or why:
            damage = private(damaged[0].partition(": ")[2]) if damaged else "no result"
            lacking[why or f"Nothing to draw ({damage})"].append(side)
            continue
        evidence.runs[side.id] = Run.model_validate(private(run.to_data()))
        recording = Recording.read(RESULTS / side.id / "recording.json")
        if side.kind == "broken":
            evidence.drawn = recording.worth_drawing(run, run)
            machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
            evidence.about = f"{run.started_at.partition('T')[0]}, {machine}"
        tests = None if side.kind == "broken" else evidence.drawn
        evidence.recordings[side.id] = cut(recording.document, tests)
        if not evidence.recorded(side.id):
            lacking["No lanes (no recording)"].append(side)
    for why, sides in lacking.items():
        more = f" and {len(sides) - FEW} more" if len(sides) > FEW else ""
        again = targets(sides, " ") if not more else "all-fixes"
        evidence.problems[f"{why}: {targets(sides[:FEW])}{more}."] = f"make {again}"
    return evidence


def cut(document: Mapping[str, Any], tests: list[str] | None) -> dict[str, Any]:
    """A recording's document, of which a picture of these tests (None: of all) is the same; {} for
    one that is damaged."""
    try:
        rows = {name: list(document[name]) for name in TABLES}
        if tests is not None:
            rows |= rows_of(rows, tests)
        crossed = {row["seq"] for row in rows["crossings"]}
        rows["connections"] = [
            {key: row[key] for key in OF_OBJECTS}
            for row in rows["connections"]
            if row["seq"] in crossed
        ]
        version, settings = document["schema_version"], {} if tests else document["settings"]
        kept = {"schema_version": version, "settings": settings}
        slim: dict[str, Any] = private(slimmed(kept | rows))
        return slim
    except (KeyError, TypeError, AttributeError):
        return {}


def rows_of(rows: dict[str, list[Any]], tests: list[str]) -> dict[str, list[Any]]:
    """The rows of some tests: their crossings, the loops of these, and what ran there for them."""
    crossings = [row for row in rows["crossings"] if row["during"] in tests]
    wanted, ran, before = {*tests}, [], []
    every = sorted(rows["fixtures"] + rows["tests"], key=lambda row: row["tick"])
    for row in crossings:  # the test that bound the object
        there = [other for other in every if other["loop"] == row["bound_to"]]
        by_then = [other["name"] for other in there if other["tick"] <= (row.get("bound") or 0)]
        wanted |= set(by_then[-1:])
    for row in every:
        before.append(row)
        if row["kind"] == "test":  # the set-ups since the test before it are its own
            ran += before if row["name"] in wanted else []
            before = []
    loops = {row["loop"] for row in ran}
    loops |= {row[end] for row in crossings for end in ("bound_to", "used_on")}
    return {
        "crossings": crossings,
        "findings": [],
        "loops": [{**row, "kind": ""} for row in rows["loops"] if row["id"] in loops],
        "fixtures": [row for row in ran if row["kind"] == "fixture"],
        "tests": [row for row in ran if row["kind"] == "test" and row.get("outcome")],
    }


def slimmed(value: Any) -> Any:
    """JSON of records without fields that say nothing."""
    if isinstance(value, list):
        return [slimmed(held) for held in value]
    if not isinstance(value, dict):
        return value
    return {
        key: slimmed(held)
        for key, held in value.items()
        if key != "owner" and (held is not None or key in NEEDED)
    }


def to_sample(evidence: Evidence) -> str:
    """The evidence as the text of a file, a line a side. Tests that ended alike are one group, told
    by the first: a page quotes no other."""
    names = list(evidence.runs["broken"].tests)
    runs = {}
    for side, run in evidence.runs.items():
        groups: dict[Any, dict[str, Any]] = {}
        for test in run.tests.values():
            like = (test.group, test.outcome, test.phase, test.reruns, test.kind, test.driver)
            alike = test.model_dump(mode="json", exclude={"nodeid", "duration_s", "loop"})
            groups.setdefault(like, {**alike, "tests": []})["tests"].append(
                names.index(test.nodeid)
            )
        unused = ["tests", "fixtures", "connections", "loops", "asyncio"]
        unused += SHARED if side != "broken" else []
        data = {name: value for name, value in run.to_data().items() if name not in unused}
        runs[side] = {**data, "tests": [slimmed(group) for group in groups.values()]}
    recordings = {side: grouped(document) for side, document in evidence.recordings.items()}
    parts = {"schema_version": results.SCHEMA_VERSION, "about": evidence.about}
    parts |= {"names": names, "drawn": [names.index(test) for test in evidence.drawn]}
    lines = [f'"{key}": {compact(value)}' for key, value in parts.items()]
    for name, table in (("runs", runs), ("recordings", recordings)):
        rows = ",\n".join(f'"{side}": {compact(row)}' for side, row in table.items())
        lines.append(f'"{name}": {{\n{rows}\n}}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def grouped(document: dict[str, Any]) -> dict[str, Any]:
    """A recording's document in which findings of one cause are one row, the first, with the tests
    that they are of: a page tells no more of the others."""
    groups: dict[object, dict[str, Any]] = {}
    findings = [finding for part in of_json(document) for finding in part.findings]
    for finding, row in zip(findings, document["findings"], strict=True):
        groups.setdefault(key(finding), {**row, "during": []})["during"].append(finding.during)
    return {**document, "findings": list(groups.values())}


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_sample(path: Path) -> Evidence:
    """What `to_sample` wrote. Raises CommandError if it is not that."""
    try:
        data = json.loads(path.read_text("utf-8"))
        names, runs = data["names"], {}
        shared = {key: data["runs"]["broken"][key] for key in SHARED}
        for side, run in data["runs"].items():
            tests = {
                at: {key: value for key, value in group.items() if key != "tests"}
                for group in run["tests"]
                for at in group["tests"]
            }
            run["tests"] = [{"nodeid": names[at], **tests[at]} for at in sorted(tests)]
            runs[side] = Run.model_validate(shared | run)
        for document in data["recordings"].values():
            document["findings"] = [
                {**row, "during": test} for row in document["findings"] for test in row["during"]
            ]
        drawn = [names[at] for at in data["drawn"]]
        return Evidence(runs, data["recordings"], drawn, data["about"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise CommandError(f"{path.name} is no sample: {error}") from None
