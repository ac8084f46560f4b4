"""Checkouts of this project that a test may change, set up without any installation."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

from scripts.paths import ROOT
from tests.commands import Done, environment, run

# What a command needs; the rest of the checkout stays where it is.
PARTS = ("scripts", "suite", "shared_app", "broken", "requirements", "fixed/conftest.py")
FILES = ("remedies.toml", "pyproject.toml", "Makefile", "docker-compose.yml", ".env")
# An up-to-date stamp, written by the checkout's own bootstrap: it would rather make a `.venv`.
STAMP = """
from scripts import bootstrap
for kind in ("run", "dev"):
    (bootstrap.VENV / (kind + ".stamp")).write_text(bootstrap.fingerprint(kind), "utf-8")
"""


class Checkout:
    """A copy of the project in `folder`, with a `.venv` of its own that borrows our packages."""

    def __init__(self, folder: Path, *, without: str = "") -> None:
        """`without` names a package that the copy's `.venv` does not have."""
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
        for part in PARTS:
            target = folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, target, ignore=ignored)
            else:
                shutil.copyfile(ROOT / part, target)
        for file in FILES:
            shutil.copyfile(ROOT / file, folder / file)
        self._borrow_packages(without)

    def _borrow_packages(self, without: str) -> None:
        venv = self.folder / ".venv"
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
        ours = Path(site.getsitepackages()[0])
        theirs = venv / ours.relative_to(sys.prefix)
        for entry in ours.iterdir():
            # Our editable install would lead back to our own checkout.
            if entry.suffix == ".pth" or "editable" in entry.name or (theirs / entry.name).exists():
                continue
            if not (without and entry.name.startswith(without)):
                (theirs / entry.name).symlink_to(entry)
        (theirs / "checkout.pth").write_text(f"{self.folder}\n", "utf-8")
        self.python = str(venv / "bin" / "python")
        subprocess.run([self.python, "-c", STAMP], cwd=self.folder, check=True, timeout=60)

    def scripts(self, *arguments: str, **changes: str) -> Done:
        """Run `python -m scripts ARGUMENTS` in this checkout."""
        command = [self.python, "-m", "scripts", *arguments]
        return run(command, cwd=self.folder, env=environment(**changes))

    def change(self, file: str, old: str, new: str) -> None:
        """Replace the first `old` in a file."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")


def path_of(*programs: str) -> str:
    """A PATH with the folders of these programs only."""
    folders = {str(Path(found).parent) for name in programs if (found := shutil.which(name))}
    return os.pathsep.join(sorted(folders))
