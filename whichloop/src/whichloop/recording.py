"""A recording as JSON: made of records, merged from several workers, written whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from whichloop.actors import Actor, Settings
from whichloop.records import Finding, LoopRecord, Recording, Site

SCHEMA_VERSION = 1


def plain(record: Any) -> Any:
    """A record as JSON values; loops gain their ``owner``."""
    if isinstance(record, (Actor, Settings)):
        return record._asdict()
    if isinstance(record, (list, tuple)):
        return [plain(one) for one in record]
    if record is None or isinstance(record, (str, int, float, bool)):
        return record
    if isinstance(record, Mapping):
        return {key: plain(value) for key, value in record.items()}
    if isinstance(record, Site):
        return str(record)
    values = {one.name: plain(getattr(record, one.name)) for one in fields(record)}
    if isinstance(record, LoopRecord):
        values["owner"] = record.owner
    return values


def to_json(recording: Recording, findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    """The recording in the shape that ``--whichloop-record`` writes (see the README)."""
    used: dict[int, list[str]] = {}
    for crossing in recording.crossings:
        used.setdefault(crossing.seq, []).append(crossing.used_on)
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": plain(recording.settings),
        "loops": [plain(one) for one in recording.loops],
        "fixtures": [plain(one) for one in recording.ran if one.kind == "fixture"],
        "tests": [plain(one) for one in recording.ran if one.kind == "test"],
        "connections": [
            {
                **plain(one),
                "opened_on": one.bound_to,
                "opened_by": str(one.bound_by),
                "used_on": [one.bound_to, *used.get(one.seq, [])] if one.bound_to else [],
            }
            for one in recording.objects
        ],
        "crossings": [plain(one) for one in recording.crossings],
        "findings": [plain(one) for one in findings],
    }


def merged(data: dict[str, Any], workers: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One recording of several xdist workers; each loop's name gains its worker's."""
    if not workers:
        return data
    whole: dict[str, Any] = {**data}
    for key, value in whole.items():
        if isinstance(value, list):
            whole[key] = list(value)
    names = ("id", "loop", "bound_to", "used_on", "opened_on")
    for worker, part in sorted(workers, key=lambda pair: pair[0]):
        for key, rows in part.items():
            if not isinstance(rows, list):
                continue
            for row in rows:
                for name in names:
                    value = row.get(name)
                    if isinstance(value, str):
                        row[name] = f"{worker}/{value}"
                    elif isinstance(value, list):
                        row[name] = [f"{worker}/{one}" for one in value]
                whole[key].append({**row, "worker": worker})
    return whole


def write(path: Path, data: dict[str, Any]) -> str:
    """Write ``data`` whole or not at all; what went wrong, in words, or nothing."""
    import tempfile

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(name, path)
    except OSError as error:
        return f"the recording could not be written to {path}: {error.strerror or error}"
    return ""
