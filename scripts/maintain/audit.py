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
    """Ask about every pin: 0 if nothing but ACCEPTED is known, else 1.

    Raises CommandError if a pin could not be asked about: silence is no good news.
    """
    reports = [asked(path) for path in sorted((ROOT / "requirements").glob("*.txt"))]
    report = {"dependencies": [each for one in reports for each in one["dependencies"]]}
    not_asked, known = found(report)
    if not_asked:
        raise CommandError(
            f"{len(not_asked)} pins could not be asked about, {not_asked[0]} among them",
            hint="make audit, where PyPI's own vulnerability data can be reached",
        )
    for line in known:
        terminal.say(line, "red")
    terminal.say(f"{len(report['dependencies'])} pins asked about, {len(known)} vulnerabilities.")
    return 1 if known else 0


def asked(pins: Path) -> dict[str, Any]:
    """pip-audit's report on one file of pins; two files may pin a package differently."""
    command = [tool("pip-audit"), "--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "-r", str(pins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CommandError(f"pip-audit gave no report on {pins.name}: {said[:300]}") from None
    return report


def found(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(pins without an answer, vulnerabilities that are not ACCEPTED), a line each."""
    dependencies = report["dependencies"]
    not_asked = [
        f"{each['name']}: {each['skip_reason']}" for each in dependencies if "skip_reason" in each
    ]
    known = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {flaw['fix_versions'] or 'none'}"
        for each in dependencies
        for flaw in each.get("vulns", ())
        if not {flaw["id"], *flaw.get("aliases", ())} & ACCEPTED.keys()
    ]
    return not_asked, known
