"""Is there a MongoDB half for the embedded pair? Asked without importing any driver."""

from __future__ import annotations

import importlib.util
import shutil
import sys


def no_mongodb() -> str | None:
    """Why the embedded pair has no MongoDB half on this machine; None if it has one."""
    if shutil.which("mongod") or importlib.util.find_spec("secantus"):
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"no `mongod` is on PATH and SecantusDB has no wheel for Python {version}. "
        "Install Python 3.11, 3.12 or 3.13 and remove .venv, put mongod on PATH, "
        "or use BACKEND=testcontainers"
    )
