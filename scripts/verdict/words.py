"""The words for outcomes, kinds of error, changes and verdicts. Every view reads them here."""

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


class Words(NamedTuple):
    """An outcome, or what became of a test, whose `letter` stands for it in the matrix."""

    word: str
    style: str
    letter: str = ""
    legend: str = ""


OUTCOMES: dict[Outcome, Words] = {
    "passed": Words("passed", "green"),
    "failed": Words("failed", "red"),
    "failed_in_teardown": Words("passed, failed in teardown", "red"),
    "error": Words("error in setup", "red"),
    "skipped": Words("skipped", "yellow"),
    "flaky": Words("flaky", "yellow"),
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
# What became of a test from broken/ to a side.
CHANGES: dict[Change, Words] = {
    "FAIL_TO_PASS": Words("cured", "green", "C"),
    "FAIL_TO_FAIL": Words("still fails", "red", "x"),
    "PASS_TO_PASS": Words("still passes", "dim", "."),
    "PASS_TO_FAIL": Words("broke", "bold red", "B"),
    "flaky": Words("flaky", "yellow", "~", "passed on a rerun only"),
    "not_on_both": Words("not on both", "yellow", "-", "ran on one of the two sides only"),
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
