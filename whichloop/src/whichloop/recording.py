"""A recording as a file: JSON made of records, read back as records, each value checked."""

import functools
import json
import os
import tempfile
import types
import typing
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whichloop.records import Finding, LoopRecord, Recording, Settings, Site

SCHEMA_VERSION = 1
# The lists of a file, and the fields of a Recording that they hold.
TABLES = {
    "loops": "loops",
    "fixtures": "ran",
    "tests": "ran",
    "connections": "objects",
    "crossings": "crossings",
    "findings": "findings",
}
_hints = functools.cache(typing.get_type_hints)
_AGAIN = "record it anew with --whichloop-record"
_NAMES = {int: "a number", str: "a text", bool: "true or false"}
# Names of loops, which are told apart by worker once several workers are in one file.
_LOOP_NAMES = ("id", "loop", "bound_to", "used_on")


class RecordingError(ValueError):
    """A file is no recording, or a damaged one, or another version's; the text says what to do."""


def to_json(recording: Recording, worker: str = "") -> dict[str, Any]:
    """The shape that ``--whichloop-record`` writes (see the README). Under pytest-xdist every row
    has its ``worker``, and the loops' names begin with it."""
    prefix = f"{worker}/" if worker else ""
    used: dict[int, list[str]] = defaultdict(list)
    for crossing in recording.crossings:
        used[crossing.seq].append(prefix + crossing.used_on)
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "settings": plain(recording.settings),
    }
    for key, field in TABLES.items():
        data[key] = []
        for record in getattr(recording, field):
            if field == "ran" and key != f"{record.kind}s":
                continue
            row = plain(record)
            row |= {name: prefix + row[name] for name in _LOOP_NAMES if row.get(name)}
            if key == "connections":
                bound = row["bound_to"]
                row["opened_on"] = bound
                row["opened_by"] = str(record.bound_by)
                row["used_on"] = [bound, *used[record.seq]] if bound else []
            data[key].append({**row, "worker": worker} if worker else row)
    return data


def plain(value: Any) -> Any:
    """A record as JSON values; a loop has its ``owner`` beside its fields."""
    if isinstance(value, Site):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        row = {key: plain(held) for key, held in value._asdict().items()}
        return {**row, "owner": value.owner} if isinstance(value, LoopRecord) else row
    return [plain(held) for held in value] if isinstance(value, tuple) else value


def merged(data: dict[str, Any], of_workers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A recording with the rows of pytest-xdist's workers."""
    parts = [data, *of_workers]
    return data | {key: [row for part in parts for row in part[key]] for key in TABLES}


def as_text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def write(path: Path, text: str, what: str = "recording") -> str:
    """Write a file whole or not at all; what went wrong, in words, or nothing."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        return f"the {what} could not be written to {path}: {error.strerror or error}"
    return ""


def finding_of(text: str) -> Finding:
    """The finding in the JSON of its ``plain`` form, which a worker sent with its report."""
    finding: Finding = _value(Finding, json.loads(text), "finding")
    return finding


def of_text(text: str | bytes) -> tuple[Recording, ...]:
    """The recordings in the text of a file, one a process. Raises RecordingError."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return of_json(data)


def of_json(data: Any) -> tuple[Recording, ...]:
    """The recordings in a parsed file, one a process. Raises RecordingError."""
    if not isinstance(data, dict) or "schema_version" not in data:
        raise RecordingError("it is not a recording of --whichloop-record")
    version = data["schema_version"]
    if version != SCHEMA_VERSION:
        raise RecordingError(
            f"it has the form {version!r}, and this whichloop reads {SCHEMA_VERSION}: {_AGAIN}"
        )
    settings = _value(Settings, data.get("settings"), "settings")
    # By worker, then by field.
    parts: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for key, field in TABLES.items():
        records = _value(_hints(Recording)[field], data.get(key), key)
        for record, row in zip(records, data[key], strict=True):
            parts[str(row.get("worker", ""))][field].append(record)
    return tuple(
        Recording(**{field: tuple(rows) for field, rows in part.items()}, settings=settings)
        for _, part in sorted(parts.items()) or [("", {})]
    )


def _value(kind: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``kind``, which the records' fields name."""
    if isinstance(kind, types.UnionType):
        return None if value is None else _value(typing.get_args(kind)[0], value, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _damaged(where, "a list", value)
        inner = typing.get_args(kind)[0]
        return tuple(_value(inner, held, f"{where}[{at}]") for at, held in enumerate(value))
    if kind is Site:
        file, _, line = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        if not line.isdigit():
            raise _damaged(where, "a place (file:line)", value)
        return Site(file, int(line))
    if kind in _NAMES:
        if type(value) is not kind:
            raise _damaged(where, _NAMES[kind], value)
        return value
    if not isinstance(value, dict):
        raise _damaged(where, "a row of names and values", value)
    fields = {}
    for name, hint in _hints(kind).items():
        if name in value:
            fields[name] = _value(hint, value[name], f"{where}.{name}")
        elif name not in kind._field_defaults:
            raise RecordingError(f"{where} has no {name!r}: it is damaged; {_AGAIN}")
    return kind(**fields)


def _damaged(where: str, wanted: str, value: Any) -> RecordingError:
    shown = json.dumps(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    return RecordingError(f"{where} should be {wanted} and is {shown}: it is damaged; {_AGAIN}")
