"""A recording as a file: JSON made of records, read back as records, each value checked."""

import functools
import json
import os
import tempfile
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whichloop.records import LoopRecord, Recording, Settings, Site

SCHEMA_VERSION = 1
_hints = functools.cache(typing.get_type_hints)
_AGAIN = "record it anew with --whichloop-record"
_NAMES = {int: "a number", str: "a text", bool: "true or false"}
# Names of loops, which are told apart by worker once several workers are in one file.
_LOOP_NAMES = ("id", "loop", "bound_to", "used_on")


class RecordingError(ValueError):
    """A file is no recording, or a damaged one, or another version's; the text says what to do."""


def to_json(recordings: Sequence[Recording]) -> dict[str, Any]:
    """The shape that ``--whichloop-record`` writes (see the README), of one or several processes;
    the settings are those of the first."""
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "settings": _plain(recordings[0].settings),
        **{key: [] for key in ("loops", "fixtures", "tests", "connections", "crossings")},
        "findings": [],
    }
    for recording in recordings:
        worker = {"worker": recording.worker} if recording.worker else {}
        used: dict[int, list[str]] = {}
        for crossing in recording.crossings:
            used.setdefault(crossing.seq, []).append(crossing.used_on)
        for loop in recording.loops:
            data["loops"].append({**_plain(loop), "owner": loop.owner, **worker})
        for ran in recording.ran:
            if ran.kind in ("fixture", "test"):
                data[f"{ran.kind}s"].append({**_plain(ran), **worker})
        for record in recording.objects:
            row = {
                **_plain(record),
                "opened_on": record.bound_to,
                "opened_by": str(record.bound_by),
                "used_on": [record.bound_to, *used.get(record.seq, [])] if record.bound_to else [],
            }
            data["connections"].append({**row, **worker})
        data["crossings"] += [{**_plain(row), **worker} for row in recording.crossings]
        data["findings"] += [{**_plain(row), **worker} for row in recording.findings]
    return data


def _plain(value: Any) -> Any:
    """A record as JSON values; a loop within a finding keeps its ``owner``."""
    if isinstance(value, Site):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        row = {key: _plain(held) for key, held in value._asdict().items()}
        return {**row, "owner": value.owner} if isinstance(value, LoopRecord) else row
    return [_plain(held) for held in value] if isinstance(value, (tuple, list)) else value


def of_json(data: Any) -> tuple[Recording, ...]:
    """The recordings in a parsed file, one a process. Raises RecordingError."""
    if not isinstance(data, dict) or "schema_version" not in data:
        raise RecordingError("it is not a recording of --whichloop-record")
    if data["schema_version"] != SCHEMA_VERSION:
        version = data["schema_version"]
        raise RecordingError(
            f"it has the form {version!r}, and this whichloop reads {SCHEMA_VERSION}: {_AGAIN}"
        )
    settings = _value(Settings, data.get("settings"), "settings")
    parts: dict[str, dict[str, list[Any]]] = {}
    fields = {"loops": "loops", "fixtures": "ran", "tests": "ran", "connections": "objects"}
    fields |= {"crossings": "crossings", "findings": "findings"}
    kinds = _hints(Recording)
    for key, field in fields.items():
        rows = data.get(key)
        if not isinstance(rows, list):
            raise _damaged(key, "a list", rows)
        kind = typing.get_args(kinds[field])[0]
        for at, row in enumerate(rows):
            where = f"{key}[{at}]"
            record = _value(kind, row, where)
            worker = _value(str, row.get("worker", ""), f"{where}.worker")
            parts.setdefault(worker, {}).setdefault(field, []).append(record)
    recordings = []
    for worker, part in sorted(parts.items() or [("", {})]):
        tables: dict[str, Any] = {field: tuple(rows) for field, rows in part.items()}
        recordings.append(Recording(**tables)._replace(settings=settings, worker=worker))
    return tuple(recordings)


def of_text(text: str | bytes) -> tuple[Recording, ...]:
    """The recordings in the text of a file. Raises RecordingError."""
    try:
        data = json.loads(text)
    except ValueError:
        raise RecordingError("it is not a recording of --whichloop-record") from None
    return of_json(data)


def _value(kind: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``kind``, which the records' fields name."""
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        return _value(typing.get_args(kind)[0], value, where)
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
    hints = _hints(kind)
    missing = [name for name in hints if name not in value and name not in kind._field_defaults]
    if missing:
        raise RecordingError(f"{where} has no {missing[0]!r}: it is damaged; {_AGAIN}")
    return kind(
        **{
            name: _value(hint, value[name], f"{where}.{name}")
            for name, hint in hints.items()
            if name in value
        }
    )


def _damaged(where: str, wanted: str, value: Any) -> RecordingError:
    shown = json.dumps(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    return RecordingError(f"{where} should be {wanted} and is {shown}: it is damaged; {_AGAIN}")


def of_worker(recording: Recording, worker: str) -> Recording:
    """A worker's recording with the worker's name before that of each of its loops."""

    def named(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            row._replace(
                **{
                    name: f"{worker}/{getattr(row, name)}"
                    for name in _LOOP_NAMES
                    if isinstance(getattr(row, name, None), str)
                }
            )
            for row in rows
        )

    return recording._replace(
        loops=named(recording.loops),
        objects=named(recording.objects),
        crossings=named(recording.crossings),
        ran=named(recording.ran),
        worker=worker,
    )


def write(path: Path, recordings: Sequence[Recording]) -> str:
    """Write a recording whole or not at all; what went wrong, in words, or nothing."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(to_json(recordings), file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(name, path)
    except OSError as error:
        return f"the recording could not be written to {path}: {error.strerror or error}"
    return ""
