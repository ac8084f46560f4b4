"""A pytest plugin: every outcome in order, and every warning, written to $OUTCOME_LOG as JSON.

Loaded with ``-p outcome_log``, with and without whichloop, to hold the two against each other.
"""

import json
import os
import re
from pathlib import Path

# What differs from run to run by itself: addresses, ports, process and task numbers, times.
_CHANGING = re.compile(r"0x[0-9a-f]+|\d{2,}(\.\d+)?|Task-\d+")

outcomes: list[list[str]] = []
warnings: list[list[str]] = []


def pytest_runtest_logreport(report):
    outcomes.append([report.nodeid, report.when, report.outcome])


def pytest_warning_recorded(warning_message, when, nodeid):
    text = _CHANGING.sub("#", str(warning_message.message))
    file = warning_message.filename.removeprefix(os.getcwd())  # which is another in each run
    place = f"{file}:{warning_message.lineno}"
    warnings.append([nodeid, when, warning_message.category.__name__, text, place])


def pytest_sessionfinish(session):
    path = os.environ.get("OUTCOME_LOG")
    if path and not hasattr(session.config, "workerinput"):
        Path(path).write_text(json.dumps({"outcomes": outcomes, "warnings": warnings}))
