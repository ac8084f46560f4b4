"""How far the learner has come, in results/workshop/progress.json, and their folders in
workshop/mine/. Nothing in there is overwritten without a copy."""

import hashlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from scripts.errors import CommandError
from scripts.paths import RESULTS, ROOT
from scripts.run import results
from scripts.workshop.manifest import Exercise
from scripts.workshop.rules import GENERATED, names_of

MINE = ROOT / "workshop" / "mine"
COPIES = MINE / ".copies"
FILE = RESULTS / "workshop" / "progress.json"
# What every exercise rests on besides its own folder.
SHARED = ("suite", "shared_app")


class Done(BaseModel):
    """What was done about one exercise; `rests_on` is what it passed with."""

    state: Literal["open", "passed", "skipped"] = "open"
    hints: int = 0
    rests_on: str = ""


class Progress(BaseModel):
    schema_version: Literal[1] = 1
    current: int = 1
    done: dict[str, Done] = {}

    def of(self, exercise: Exercise) -> Done:
        return self.done.setdefault(exercise.name, Done())


def read() -> tuple[Progress, str]:
    """The progress, and "" or why the old one was of no use; it is put aside then, not removed."""
    try:
        return Progress.model_validate_json(FILE.read_text("utf-8")), ""
    except FileNotFoundError:
        return Progress(), ""
    except (OSError, ValueError):
        aside = FILE.with_name(f"progress-{stamp()}.json")
        try:
            FILE.rename(aside)
        except OSError as why:
            raise CommandError(f"cannot read {FILE}: {why.strerror}") from None
        told = f"the progress file was damaged or another version's; it is kept as {shown(aside)}"
        return Progress(), f"{told}. Your folders in {shown(MINE)} are as they were"


def write(progress: Progress) -> None:
    results.folder("workshop")
    results.write(FILE, progress.model_dump_json(indent=2) + "\n")


def folder_of(exercise: Exercise) -> Path:
    """Where the learner works on it."""
    return MINE / exercise.name


def begin(exercise: Exercise) -> bool:
    """Copy an exercise to the learner's folder if it is not there; was it copied now?"""
    folder = folder_of(exercise)
    if folder.exists():
        return False
    copy(exercise.source, folder)
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a folder whole, or not at all. Raises CommandError if it cannot be written."""
    half = target.with_name(f".{target.name}.new")
    try:
        shutil.rmtree(half, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, half, ignore=shutil.ignore_patterns(*GENERATED))
        half.rename(target)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from None


def reset(exercise: Exercise) -> str:
    """Begin an exercise anew; where the learner's work was copied to ("" if there was none)."""
    folder, aside = folder_of(exercise), COPIES / f"{exercise.name}-{stamp()}"
    had = folder.exists()
    if had:
        try:
            COPIES.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
        except OSError as error:
            raise CommandError(
                f"cannot move {shown(folder)} to {shown(aside)}: {error.strerror}",
                hint="close what has its files open, then the same command",
            ) from None
    copy(exercise.source, folder)
    return shown(aside) if had else ""


def stamp() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1000:03}"


def shown(path: Path) -> str:
    """A path as the learner types it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def rests_on(folder: Path, leave_out: Iterable[str] = ()) -> str:
    """A fingerprint of all that a check's runs depend on."""
    digest = hashlib.sha256()
    for place in (folder, *(ROOT / name for name in SHARED)):
        for name in sorted(names_of(place)):
            if place != folder or name not in leave_out:
                digest.update(f"{name}\0".encode() + (place / name).read_bytes())
    return digest.hexdigest()
