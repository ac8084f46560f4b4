"""The audit of a session that was collected, and of the options that it was given."""

import gc
from typing import Any

import pytest

from whichloop.audit import audit, overrides, plan
from whichloop.calls import foresee_calls
from whichloop.foresee import foresee
from whichloop.observe.named import Names
from whichloop.observe.tracker import TRACKER
from whichloop.options import foresee_half, unknown
from whichloop.records import Foreseen, Site


class Audit:
    """``options`` are pytest-asyncio's, as the configuration has them; ``places`` is where they
    stand."""

    def __init__(self) -> None:
        self.options: dict[str, str] = {}
        self.places: dict[str, Site | None] = {}

    def refused(self) -> list[Foreseen]:
        """What is foreseen of options alone: where pytest refuses them, nothing is collected."""
        return unknown(self.options, TRACKER.settings, self.places)

    def findings(self, items: list[pytest.Item]) -> list[Foreseen]:
        """What is foreseen of these tests; nothing of theirs is run."""
        collecting = gc.isenabled()
        gc.disable()  # what is read here is no garbage; to look for some takes as long as to read
        overridden: list[Any] = []
        with TRACKER.guarded("event_loop fixtures"):
            overridden = overrides(items)
        tests = plan(items, TRACKER.settings)
        findings = self.refused()
        findings += audit(tests, TRACKER.settings, overridden)
        findings += foresee_half(self.options, TRACKER.settings, self.places, tests)
        with TRACKER.guarded("the audit of objects"):
            names = Names()
            findings += foresee(tests, names)
            findings += foresee_calls(tests, names)
        if collecting:
            gc.enable()
        return findings
