"""Checkouts of this project that a test may change, set up without any installation."""

import shutil
import site
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.paths import ROOT
from tests.support.commands import Done, environment, run

# What a fresh clone would not have.
GENERATED = (
    ".up",
    *(".git", ".venv", ".venv.lock", ".offline*", "offline-pack"),
    *(".venv-older", "mine"),
    *("results", "__pycache__", ".*_cache", "*.egg-info"),
)
# A name that quotes and encodes badly.
UNUSUAL = "a checkout, 検証 (ä)"
# An up-to-date stamp, written by the checkout's own bootstrap: it would rather make a `.venv`.
STAMP = """
from scripts import bootstrap
for kind in ("run", "dev"):
    (bootstrap.VENV / (kind + ".stamp")).write_text(bootstrap.fingerprint(kind), "utf-8")
"""


class Checkout:
    """A copy of the project in `folder`, with a `.venv` of its own that borrows our packages."""

    def __init__(self, folder: Path, *, without: str = "", base: str = "") -> None:
        """`without` names a package that the copy's `.venv` does not have, `base` its Python."""
        self.folder = folder
        self._base = base or getattr(sys, "_base_executable", sys.executable)
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*GENERATED))
        self._borrow_packages(without)

    def _borrow_packages(self, without: str) -> None:
        venv = self.folder / ".venv"
        subprocess.run([self._base, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
        ours = Path(site.getsitepackages()[0])
        self.packages = theirs = venv / ours.relative_to(sys.prefix)
        for entry in ours.iterdir():
            # Our editable install would lead back to our own checkout.
            if entry.suffix == ".pth" or "editable" in entry.name or (theirs / entry.name).exists():
                continue
            if not (without and entry.name.startswith(without)):
                (theirs / entry.name).symlink_to(entry)
        sources = (self.folder, self.folder / "whichloop" / "src")
        (theirs / "checkout.pth").write_text("".join(f"{path}\n" for path in sources), "utf-8")
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

    @contextmanager
    def changed(self, file: str, old: str, new: str) -> Iterator[None]:
        """The same, inside the block only."""
        path = self.folder / file
        before = path.read_bytes()
        self.change(file, old, new)
        try:
            yield
        finally:
            path.write_bytes(before)
