"""What a side's pytest gets of the caller's environment, and what is installed.

An outcome must not hang on what somebody's shell exports (PYTEST_ADDOPTS, PYTHONPATH,
PYTHONASYNCIODEBUG, …) or on a plugin that reorders, reruns or times tests.
"""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import entry_points, version

from packaging.utils import canonicalize_name

from scripts.paths import ROOT

# To find programs, files and words; to be told apart on Windows. No secret is among them.
PASSED_ON = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("LD_LIBRARY_PATH", "VIRTUAL_ENV", "SUITE_REPEAT"),
    *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
}
PREFIXES = ("LC_", "WRONGLOOP_")
# The distributions whose versions two runs must share for their results to be compared.
DISTRIBUTIONS = ("pytest", "pytest-asyncio", "motor", "pymongo", "sqlalchemy", "asyncpg", "fastapi")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", re.MULTILINE)


def for_side(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that a side's pytest gets."""
    return {
        name: value
        for name, value in environ.items()
        if name.upper() in PASSED_ON or name.startswith(PREFIXES)
    }


def versions() -> dict[str, str]:
    """The versions in play, under the names that run.json gives them."""
    installed = {name.replace("-", "_"): version(name) for name in DISTRIBUTIONS}
    return {"python": platform.python_version()} | installed


def plugins_not_in(*requirements: str) -> list[str]:
    """The names of installed pytest plugins whose distribution is in none of these files.

    No side asks for one that is not in run.txt: loading it changes no outcome only in the best
    case, and costs time in any. One that is not in dev.txt either did not come with our
    requirements at all: worth a word.
    """
    ours = {"whichloop"}
    for file in requirements:
        pins = (ROOT / "requirements" / file).read_text("utf-8")
        ours |= {canonicalize_name(name) for name in PINNED.findall(pins)}
    return sorted(
        point.name
        for point in entry_points(group="pytest11")
        if point.dist is None or canonicalize_name(point.dist.name) not in ours
    )
