"""`make audit`: does any pinned dependency have a known vulnerability? Asks PyPI, by pip-audit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pydantic import BaseModel, ValidationError

from scripts.errors import CommandError
from scripts.maintain.checks import tool
from scripts.paths import ROOT
from scripts.views import terminal

# {the vulnerability's id: why it does not matter here}
ACCEPTED: dict[str, str] = {}


class Vulnerability(BaseModel):
    """What is known of one, and the versions that mend it."""

    id: str
    fix_versions: list[str]
    aliases: list[str] = []


class Pin(BaseModel):
    """What PyPI said of a pin; `skip_reason` is why it was not asked about."""

    name: str
    version: str = ""
    skip_reason: str = ""
    vulns: list[Vulnerability] = []


class Report(BaseModel):
    """pip-audit's report on a file of pins."""

    dependencies: list[Pin]


def audit() -> int:
    """Ask about every pin: 0 if nothing but ACCEPTED is known, else 1.

    Raises CommandError if a pin could not be asked about: silence is no good news.
    """
    files = sorted((ROOT / "requirements").glob("*.txt"))  # two may pin a package differently
    pins = [pin for path in files for pin in audited(path).dependencies]
    skipped = [pin for pin in pins if pin.skip_reason]
    if skipped:
        raise CommandError(
            f"{len(skipped)} pins could not be asked about,"
            f" {skipped[0].name}: {skipped[0].skip_reason} among them",
            hint="make audit, where PyPI's own vulnerability data can be reached",
        )
    known = [line for pin in pins for line in vulnerabilities(pin)]
    for line in known:
        terminal.line(line, "red")
    terminal.line(f"{len(pins)} pins asked about, {len(known)} vulnerabilities.")
    return 1 if known else 0


def audited(pins: Path) -> Report:
    """pip-audit's report. Raises CommandError if it gave none."""
    command = [tool("pip-audit"), "--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "-r", str(pins)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return Report.model_validate_json(result.stdout)
    except ValidationError:
        reason = (result.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CommandError(f"pip-audit gave no report on {pins.name}: {reason[:300]}") from None


def vulnerabilities(pin: Pin) -> list[str]:
    """Those of a pin that are not ACCEPTED, a line each."""
    return [
        f"{pin.name} {pin.version}: {known.id}, fixed in {known.fix_versions or 'none'}"
        for known in pin.vulns
        if not {known.id, *known.aliases} & ACCEPTED.keys()
    ]
