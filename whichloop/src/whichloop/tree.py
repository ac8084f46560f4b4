"""Where a file of somebody's may be changed: in a clean git tree, or beside a copy of it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

# What a run of pytest leaves behind is no change of a project.
_LEFT_BY_RUNS = re.compile(r"\?\? (.*/)?(__pycache__/|\.pytest_cache/|[^/]*\.pyc)$")


def unclean(folder: Path) -> str:
    """The first of what git shows as changed around this folder; "" for nothing, or without git."""
    lines = (_git(folder, "status", "--porcelain") or "").splitlines()
    return next((line.strip() for line in lines if not _LEFT_BY_RUNS.match(line)), "")


def replace(path: Path, text: str) -> Path | None:
    """Write the text, whole or not at all. Returns the copy that was made of what was there; None
    if there was nothing, or git has it. Raises OSError, and then all is as it was."""
    path, copy = path.resolve(), None
    if path.exists() and _git(path.parent, "ls-files", "--error-unmatch", path.name) is None:
        names = (path.with_name(f"{path.name}.orig{number or ''}") for number in range(1000))
        copy = next(name for name in names if not name.exists())
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        os.chmod(name, path.stat().st_mode if path.exists() else 0o644)
        if copy is not None:
            shutil.copy2(path, copy)
        os.replace(name, path)
    except OSError:
        for left in filter(None, (Path(name), copy)):
            left.unlink(missing_ok=True)
        raise
    return copy


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None where it refuses, or there is none."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
