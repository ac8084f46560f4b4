"""What the audit foresees, as text, as JSON and as the annotations of GitHub's workflows. Pure."""

import json
import textwrap
from collections.abc import Callable, Sequence

from whichloop.records import Foreseen

SCHEMA_VERSION = 1
NAMED_TESTS = 3
_LINES = textwrap.TextWrapper(
    80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)
_CURES = {
    "WL001": "cure: run fixtures and tests on one loop: asyncio_default_fixture_loop_scope and "
    "asyncio_default_test_loop_scope with the same value, or the same loop_scope= on both",
    "WL003": "cure: run all tests on one loop: asyncio_default_fixture_loop_scope and "
    "asyncio_default_test_loop_scope = session; or build the object in a fixture that closes it; "
    "or, for an engine, poolclass=NullPool",
    "WL020": "cure: await the coroutine in place of running it",
}


def as_text(findings: Sequence[Foreseen], tests: int) -> list[str]:
    """Lines for a person, the notes first; the last one is the result."""
    lines = []
    for finding in sorted(findings, key=lambda finding: finding.sure):
        where = f" ({finding.site})" if finding.site else ""
        lines += _LINES.wrap(f"{_title(finding)}: {finding.text}{where}")
        if finding.tests:
            lines += _named(finding.tests)
    for code in dict.fromkeys(finding.code for finding in findings if finding.sure):
        lines += _LINES.wrap(f"{_CURES[code]} (whichloop explain {code})")
    return [*lines, *_LINES.wrap(_result(findings, tests))]


def as_github(findings: Sequence[Foreseen], tests: int) -> list[str]:
    """Workflow commands, which become annotations of the lines that they name."""
    lines = []
    for finding in findings:
        places = {"file": finding.site.file, "line": finding.site.line} if finding.site else {}
        places["title"] = f"{finding.code} {finding.name}"
        at = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in places.items())
        counted = f"; {_many(len(finding.tests), 'test')}" if finding.tests else ""
        kind = "error" if finding.sure else "notice"
        lines.append(f"::{kind} {at}::{_escaped(finding.text + counted)}")
    return [*lines, _result(findings, tests)]


def as_json(findings: Sequence[Foreseen], tests: int) -> list[str]:
    """One object; ``tests`` is how many were collected, and of a finding their node ids."""
    rows = [
        {
            **finding._asdict(),
            "site": str(finding.site) if finding.site else None,
            "file": finding.site.file if finding.site else None,
            "line": finding.site.line if finding.site else None,
            "count": len(finding.tests),
        }
        for finding in findings
    ]
    whole = {"schema_version": SCHEMA_VERSION, "tests": tests, "findings": rows}
    return [json.dumps(whole, indent=1, ensure_ascii=True)]


# By the value of --whichloop-audit.
FORMS: dict[str, Callable[[Sequence[Foreseen], int], list[str]]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}


def _title(finding: Foreseen) -> str:
    return f"{'' if finding.sure else 'note '}{finding.code} {finding.name}"


def _named(tests: Sequence[str]) -> list[str]:
    """How many tests, and the first of them."""
    rest = len(tests) - NAMED_TESTS
    more = [f"    and {rest} more"] if rest > 0 else []
    return [
        f"  {_many(len(tests), 'test')}:",
        *(f"    {node}" for node in tests[:NAMED_TESTS]),
        *more,
    ]


def _result(findings: Sequence[Foreseen], tests: int) -> str:
    sure = sum(finding.sure for finding in findings)
    notes = f", {_many(len(findings) - sure, 'note')}" if sure < len(findings) else ""
    collected = _many(tests, "collected test")
    return f"{_many(sure, 'loop problem')}{notes} in {collected}; nothing was run"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _escaped(text: str, more: str = "") -> str:
    for sign in "%\r\n" + more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
