"""Version numbers as tuples."""

from __future__ import annotations

import re


def version_of(text: str | None) -> tuple[int, ...]:
    """``"1.5.0"`` → ``(1, 5, 0)``; an unknown one is taken for the newest."""
    if not text:
        return (99,)
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else (99,)
