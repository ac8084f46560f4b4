"""Which images the containers use: pinned in `.env`, overridden by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from scripts.paths import ROOT


def images(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """{"POSTGRES_IMAGE": tag, "MONGO_IMAGE": tag}."""
    pinned = dotenv_values(ROOT / ".env")
    names = ("POSTGRES_IMAGE", "MONGO_IMAGE")
    return {name: environ.get(name) or pinned[name] or "" for name in names}
