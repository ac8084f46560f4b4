"""`make audit`: does any pinned dependency have a known vulnerability? Asks PyPI, by pip-audit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from scripts.errors import CommandError
from scripts.maintain.checks import tool
from scripts.paths import ROOT
from scripts.views import terminal

# {the vulnerability's id: why it does not matter here}
ACCEPTED: dict[str, str] = {}


def audit() -> int:
    """Ask about every pin: 0 if nothing but ACCEPTED is known, else 1."""
    files = sorted((ROOT / "requirements").glob("*.txt"))  # two may pin a package differently
    pins = [pin for path in files for pin in json.loads(report(path))["dependencies"]]
    known = vulnerabilities(pins)
    for line in known:
        terminal.line(line, "red")
    terminal.line(f"{len(pins)} pins asked about, {len(known)} vulnerabilities.")
    return 1 if known else 0


def report(pins: Path) -> str:
    """pip-audit's report on a file of pins, as JSON. Raises CommandError if it gives none."""
    command = [tool("pip-audit"), "--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "-r", str(pins)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if not result.stdout.startswith("{"):
        reason = (result.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CommandError(f"pip-audit gave no report on {pins.name}: {reason[:300]}")
    return result.stdout


def vulnerabilities(pins: list[dict[str, Any]]) -> list[str]:
    """Those that are not ACCEPTED, a line each.

    Raises CommandError if a pin could not be asked about: silence is no good news.
    """
    skipped = [f"{pin['name']}: {pin['skip_reason']}" for pin in pins if "skip_reason" in pin]
    if skipped:
        raise CommandError(
            f"{len(skipped)} pins could not be asked about, {skipped[0]} among them",
            hint="make audit, where PyPI's own vulnerability data can be reached",
        )
    return [
        f"{pin['name']} {pin['version']}: {flaw['id']}, fixed in {flaw['fix_versions'] or 'none'}"
        for pin in pins
        for flaw in pin.get("vulns", ())
        if not {flaw["id"], *flaw.get("aliases", ())} & ACCEPTED.keys()
    ]
