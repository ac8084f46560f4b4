"""Errors that were only logged: a side can be green and not clean."""

from __future__ import annotations

import logging
from collections import Counter


class LoggedErrors(logging.Handler):
    """Counts the records of level ERROR and above by their text, parameters left out."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        text = str(record.msg).partition("\n")[0].partition("%")[0].strip()
        self.counts[f"{text} ({record.name.partition('.')[0]})"] += 1
