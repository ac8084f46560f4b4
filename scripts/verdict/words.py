"""The words for outcomes, kinds of error, changes and verdicts. Every view reads them here."""

from __future__ import annotations

from typing import Literal, NamedTuple

# `flaky`: it failed, and passed on a rerun. `error`: its set-up failed.
Outcome = Literal["passed", "failed", "failed_in_teardown", "error", "skipped", "flaky"]
Kind = Literal[
    "different_loop", "loop_closed", "operation_in_progress", "assertion", "infrastructure", "other"
]
Change = Literal[
    "FAIL_TO_PASS", "FAIL_TO_FAIL", "PASS_TO_PASS", "PASS_TO_FAIL", "flaky", "not_on_both"
]
Verdict = Literal["RESOLVED_FULL", "RESOLVED_PARTIAL", "RESOLVED_NO", "INVALID"]
Group = Literal["mongo", "postgres"]


class OutcomeWords(NamedTuple):
    """An outcome in a table or a sentence."""

    word: str
    style: str


OUTCOMES: dict[Outcome, OutcomeWords] = {
    "passed": OutcomeWords("passed", "green"),
    "failed": OutcomeWords("failed", "red"),
    "failed_in_teardown": OutcomeWords("passed, failed in teardown", "red"),
    "error": OutcomeWords("error in setup", "red"),
    "skipped": OutcomeWords("skipped", "yellow"),
    "flaky": OutcomeWords("flaky", "yellow"),
}


class KindWords(NamedTuple):
    """The message itself, and a word or two for a table's column."""

    message: str
    short: str


KINDS: dict[Kind, KindWords] = {
    "different_loop": KindWords("attached to a different loop", "different loop"),
    "loop_closed": KindWords("Event loop is closed", "loop is closed"),
    "operation_in_progress": KindWords("another operation is in progress", "in progress"),
    "assertion": KindWords("assertion failed", "assertion"),
    "infrastructure": KindWords("infrastructure failure", "no server"),
    "other": KindWords("another error", "other error"),
}


class ChangeWords(NamedTuple):
    """What became of a test from broken/ to a side; `letter` stands for it in the matrix."""

    word: str
    letter: str
    style: str
    legend: str = ""


CHANGES: dict[Change, ChangeWords] = {
    "FAIL_TO_PASS": ChangeWords("cured", "C", "green"),
    "FAIL_TO_FAIL": ChangeWords("still fails", "x", "red"),
    "PASS_TO_PASS": ChangeWords("still passes", ".", "dim"),
    "PASS_TO_FAIL": ChangeWords("broke", "B", "bold red"),
    "flaky": ChangeWords("flaky", "~", "yellow", "passed on a rerun only"),
    "not_on_both": ChangeWords("not on both", "-", "yellow", "ran on one of the two sides only"),
}

# How many of a driver's failing tests a side cures.
VERDICTS: dict[Verdict, str] = {
    "RESOLVED_FULL": "all",
    "RESOLVED_PARTIAL": "some",
    "RESOLVED_NO": "none",
    "INVALID": "INVALID",
}
# The groups of tests that a side can cure, by the server they use.
SERVERS: dict[Group, str] = {"mongo": "MongoDB", "postgres": "Postgres"}
