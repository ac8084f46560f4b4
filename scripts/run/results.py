"""The files under `results/`: what happened (`run.json`) and what pytest printed (`output.txt`)."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from scripts.errors import CommandError
from scripts.paths import RESULTS
from scripts.run.model import Run

SCHEMA_VERSION = 1
# Where the recorder of a side is to write, set by the command that started its pytest.
RECORD_VARIABLE = "WRONGLOOP_RECORD"


def folder(side: str) -> Path:
    """`results/<side>`, made if need be. Raises CommandError if it cannot be written."""
    path = RESULTS / side
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandError(
            f"cannot write results in {path}: {error.strerror}",
            hint="WRONGLOOP_RESULTS=/another/folder before the command",
        ) from None
    return path


def write(path: Path, text: str) -> None:
    """Write a file whole: to a temporary file beside it, then by rename."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CommandError(f"cannot write {path}: {error.strerror}") from None


def write_json(path: Path, data: Mapping[str, object]) -> None:
    whole = {"schema_version": SCHEMA_VERSION, **data}
    write(path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def written(side: str) -> float:
    """When the last run of a side was written, in seconds since 1970."""
    return (RESULTS / side / "run.json").stat().st_mtime


def read_run(side: str, warn: Callable[[str], None] | None = None) -> Run | None:
    """The last run of a side; None if there is none that this version can read.

    A file that is damaged, or of another version, is no reason to end a command: `warn` is told.
    """
    path = RESULTS / side / "run.json"
    try:
        return read(path) if path.exists() else None
    except CommandError as error:
        if warn:
            warn(str(error))
        return None


def read(path: Path) -> Run:
    """A run.json. Raises CommandError if it is none of this version."""
    try:
        data = json.loads(path.read_text("utf-8"))
        version = data["schema_version"]
        if version != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is {version!r} and not {SCHEMA_VERSION}")
        return Run.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, ValueError) as error:
        reason = str(error)
    except (KeyError, TypeError):
        reason = "it has no schema_version"
    raise CommandError(f"{path} is no result of this version: {reason}", hint="make all-fixes")
