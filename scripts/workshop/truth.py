"""The right answers, read off what a run did, and the learner's beside them."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scripts.run.model import FAILING, Run, Test
from scripts.workshop.manifest import ANSWERS, Question
from scripts.workshop.rules import Unreadable, text_of

OPEN = ("", "?")
# What whichloop's codes say of a failure that sounds like one of loops; the others are of loops.
KINDS = {"WL008": "two at once", "WL011": "another task"}
CALLBACK = re.compile(r"got Future <\w+ pending cb=\[(\w+)")
TASK = re.compile(r"coro=<([\w.]+)\(\)")


class Ran(NamedTuple):
    """One planned run as it ended: what happened, whichloop's recording, and all output."""

    run: Run
    recording: Mapping[str, Any]
    output: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What whichloop found out, as its recording has it."""
        return list(self.recording.get("findings", ()))

    def test(self, nodeid: str) -> Test | None:
        return self.run.tests.get(nodeid)


def given_answers(mine: Path, questions: tuple[Question, ...]) -> dict[str, str]:
    """{question: what the learner wrote}. Raises Unreadable if the file is no TOML."""
    if not questions:
        return {}
    try:
        data = tomllib.loads(text_of(mine, ANSWERS))
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"{ANSWERS} is not TOML: {error}. Answers stand in quotes") from None
    return {question.id: value_at(data, question.id) for question in questions}


def value_at(data: Any, key: str) -> str:
    for part in key.split("."):
        data = data.get(part, "") if isinstance(data, dict) else ""
    text = "" if isinstance(data, dict | list) else str(data).strip()
    return "" if text in OPEN else text


def plain(answer: str) -> str:
    """An answer without what makes no difference: case, brackets, a folder before a file."""
    return answer.strip().lower().removesuffix("()").rpartition("/")[2]


def same(given: str, right: str | None) -> bool:
    """Is an answer right? A dotted name that goes on, or a test without its file, is as good."""
    mine, due = plain(given), plain(right or "")
    return bool(due) and (mine == due or mine.startswith(f"{due}.") or due.endswith(f"::{mine}"))


def truth_of(reading: str, ran: Mapping[str, Ran]) -> str | None:
    """What a reading gives: "outcome test_a.py::test_b" or, of one run of several, "outcome short
    test_a.py::test_b"; "fewest opened" is the run that opened fewest connections."""
    reader, *words = reading.split()
    if reader == "fewest":
        return min(ran, key=lambda name: int(connections(ran[name], words[0]) or 0), default=None)
    name = words.pop(0) if len(ran) > 1 and words else next(iter(ran), "")
    if name not in ran:
        return None
    return READERS[reader](ran[name], *words)


def outcome(ran: Ran, nodeid: str) -> str | None:
    test = ran.test(nodeid)
    if test is None:
        return None
    return "failed" if test.outcome in FAILING else "passed"


def message(ran: Ran, nodeid: str) -> str:
    test = ran.test(nodeid)
    return test.error.message if test and test.error else ""


def driver(ran: Ran, nodeid: str) -> str | None:
    test = ran.test(nodeid)
    return test.driver if test else None


def first_match(pattern: re.Pattern[str]) -> Callable[..., str | None]:
    def read(ran: Ran, nodeid: str) -> str | None:
        match = pattern.search(message(ran, nodeid))
        return match[1].rpartition(".")[2] if match else None

    return read


def crossing(ran: Ran, field: str) -> str | None:
    """`field` of the first crossing; its loops also as "scope_bound_to" and "scope_used_on"."""
    crossings = ran.recording.get("crossings") or [{}]
    if field in ("bound_by", "kept_by"):
        objects = {row["seq"]: row for row in ran.recording.get("connections", ())}
        value = objects.get(crossings[0].get("seq"), {}).get(field) or ""
        return str(value["name"] if isinstance(value, dict) else value.rpartition(" ")[2])
    if field.startswith("scope_"):
        loops = {row["id"]: row["scope"] for row in ran.recording.get("loops", ())}
        return loops.get(crossings[0].get(field.removeprefix("scope_")))
    value = crossings[0].get(field)
    return None if value is None else str(value)


def binds(ran: Ran, name: str) -> str | None:
    """Did a driver's objects bind to a loop at "construction", or at their "first use"?"""
    rows = [row for row in ran.recording.get("connections", ()) if row["driver"] == name]
    bound = [row for row in rows if row["bound_to"]]
    later = any(row["built_by"] != row["bound_by"] for row in bound)
    return ("first use" if later else "construction") if bound else None


def kind(ran: Ran, nodeid: str) -> str | None:
    """Is a failure about "another loop", "two at once" or "another task"?"""
    codes = [row["code"] for row in ran.findings if row["during"] == nodeid]
    return KINDS.get(codes[0], "another loop") if codes else None


def connections(ran: Ran, field: str) -> str | None:
    counts = ran.run.counts.get("postgres")
    return str(getattr(counts, field)) if counts else None


READERS: dict[str, Callable[..., str | None]] = {
    "outcome": outcome,
    "driver": driver,
    "callback": first_match(CALLBACK),
    "task": first_match(TASK),
    "crossing": crossing,
    "binds": binds,
    "kind": kind,
    "connections": connections,
}
