"""Environments made of the pins in requirements/versions, by uv: other versions than ours."""

import subprocess
import sys
from pathlib import Path

from scripts.paths import ROOT

UV = str(Path(sys.executable).with_name("uv"))


def make(folder: Path, python: str, pins: str, *, below: Path | None = None) -> str:
    """A new environment in `folder` with the packages that `pins` names; its interpreter.

    What is in the folder of packages `below` can be imported, too, if the pins do not have it.
    """
    subprocess.run([UV, "venv", "--quiet", "--python", python, str(folder)], check=True)
    inside = folder / "bin" / "python"
    requirements = ROOT / "requirements" / "versions" / f"{pins}.txt"
    install(inside, "--require-hashes", "-r", str(requirements))
    if below is not None:
        [packages] = folder.glob("lib/python*/site-packages")
        (packages / "below.pth").write_text(
            f"import site; site.addsitedir({str(below)!r})\n", "utf-8"
        )
    return str(inside)


def install(python: Path | str, *what: str) -> None:
    command = [UV, "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*command, *what], check=True)
