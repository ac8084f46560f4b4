"""The environment of the exercise about an upgrade: pytest-asyncio 0.26 over what `.venv` has."""

import hashlib
import os
import subprocess
import sys
import sysconfig

from scripts.bootstrap import OFFLINE
from scripts.errors import CommandError
from scripts.maintain.offline import pip
from scripts.paths import ROOT
from scripts.views import terminal

FOLDER = ROOT / ".venv-older"
PINS = ROOT / "requirements" / "versions" / "pytest-asyncio-0.26.txt"


def python() -> str:
    """Its interpreter; it is made first if need be. Raises CommandError if that fails.

    A virtual environment with the older pytest-asyncio and the pytest that goes with it; all else
    comes from `.venv`, whose packages follow on its path.
    """
    inside = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = FOLDER / "stamp"
    made_from = f"{sys.version} {hashlib.sha256(PINS.read_bytes()).hexdigest()}"
    if stamp.exists() and stamp.read_text("utf-8") == made_from:
        return str(inside)
    terminal.status("Setting up pytest-asyncio 0.26 beside today's, in .venv-older (once) …")
    call([sys.executable, "-m", "venv", "--clear", "--without-pip", str(FOLDER)])
    install = [*pip(), "--python", str(inside), "install", "--quiet", "--no-input"]
    install += ["--disable-pip-version-check", "--require-hashes", "-r", str(PINS)]
    if OFFLINE.exists():
        install += ["--no-index", "--find-links", str(OFFLINE / "wheels")]
    call(install)
    [packages] = [path for path in FOLDER.rglob("site-packages") if path.is_dir()]
    below = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "below.pth").write_text(below, "utf-8")
    stamp.write_text(made_from, "utf-8")
    return str(inside)


def call(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        end = " | ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
        raise CommandError(
            f"the older pytest-asyncio could not be set up: {end}",
            hint="the same command again; offline: make offline-unpack DIR=… first",
        )
