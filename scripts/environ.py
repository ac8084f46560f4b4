"""What a side's pytest gets of the caller's environment, and of the plugins that are installed.

An outcome must not hang on what somebody's shell exports (PYTEST_ADDOPTS, PYTHONPATH,
PYTHONASYNCIODEBUG, …) or on a plugin that reorders, reruns or times tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import entry_points

from scripts.paths import ROOT

# To find programs, files and words; to be told apart on Windows. No secret is among them.
PASSED_ON = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("LD_LIBRARY_PATH", "VIRTUAL_ENV", "SUITE_REPEAT"),
    *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
}
PREFIXES = ("LC_", "WRONGLOOP_")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", re.MULTILINE)


def for_side(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that a side's pytest gets."""
    return {
        name: value
        for name, value in environ.items()
        if name.upper() in PASSED_ON or name.startswith(PREFIXES)
    }


def foreign_plugins() -> list[str]:
    """The names of installed pytest plugins that did not come with our requirements."""
    ours = {"whichloop"}
    for name in ("run.txt", "dev.txt"):
        pins = (ROOT / "requirements" / name).read_text("utf-8")
        ours |= {canonical(found) for found in PINNED.findall(pins)}
    return sorted(
        point.name
        for point in entry_points(group="pytest11")
        if point.dist is None or canonical(point.dist.name) not in ours
    )


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
