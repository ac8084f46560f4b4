"""How long something may take before it is given up; the environment may say otherwise."""

from __future__ import annotations

import os

from scripts.errors import CommandError


def seconds(variable: str, default: float) -> float:
    """The number of seconds in an environment variable, or `default` if it is not set.

    Raises CommandError if it holds no number above 0.
    """
    given = os.environ.get(variable, "")
    try:
        limit = float(given or default)
    except ValueError:
        limit = 0
    if not limit > 0:
        raise CommandError(
            f"{variable}={given!r} is not a number of seconds above 0",
            hint=f"unset {variable}; the limit is then {default:g} s",
        )
    return limit
