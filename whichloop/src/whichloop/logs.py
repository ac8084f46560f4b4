"""A pasted traceback or a CI log in, the most likely cause out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from whichloop import messages as catalogue
from whichloop.diagnose.advice import BY_MESSAGE, made
from whichloop.diagnose.causes import NOUNS
from whichloop.present.section import wrapped
from whichloop.records import Cure, Settings

MAX_LINE = 4000

_HEADER = re.compile(
    r"asyncio_default_fixture_loop_scope=(?P<fixture>\w+),?\s*"
    r"asyncio_default_test_loop_scope=(?P<test>\w+)"
)
_PLUGIN = re.compile(r"\basyncio-(\d+(?:\.\d+)+)")
_PYTHON = re.compile(r"Python (\d+\.\d+\.\d+).*?pytest-(\d+(?:\.\d+)+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class LogReading:
    """``messages`` holds each catalogue entry found with its count, the most telling first."""

    messages: tuple[tuple[catalogue.Message, int], ...]
    cause: str
    sure: str
    evidence: tuple[str, ...]
    driver: str | None
    cures: tuple[Cure, ...]
    settings: Settings = field(default_factory=Settings)


def decode(raw: bytes) -> str | None:
    """The text of a log, or None for bytes that are no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    if b"\0" in raw:
        return None
    text = raw.decode("utf-8", "replace")
    strange = text.count("\ufffd")
    return None if text and strange > len(text) * 0.1 else text


def read_log(text: str) -> LogReading | None:
    """What a log tells of event loops; None if it has none of the messages of the catalogue.

    A log that is cut off in the middle is read as far as it goes.
    """
    text = _COLOUR.sub("", text)
    lines = [line[:MAX_LINE] for line in text.splitlines()]
    counts: dict[str, int] = {}
    for line in lines:
        for message in catalogue.MESSAGES:
            if message.match(line):
                counts[message.id] = counts.get(message.id, 0) + 1
                break
    found = [(one, counts[one.id]) for one in catalogue.MESSAGES if one.id in counts]
    if not found:
        return None
    rank = {"loop": 0, "maybe": 1, "other": 2}
    found.sort(key=lambda pair: rank[pair[0].nature])
    first = found[0][0]
    settings = _settings(text)
    cause, sure, evidence = _weigh(first, text, settings)
    driver = catalogue.driver_hint(first, text)
    words = {
        "noun": NOUNS.get(driver or "", "object"),
        "scope": settings.fixture_loop_scope or "session",
        "narrow": settings.test_loop_scope or "function",
        "place": "where it is kept",
        "fixture": "in question",
    }
    cures = made(_advice(cause, first.id, driver), settings, **words)
    return LogReading(tuple(found), cause, sure, evidence, driver, cures, settings)


def _settings(text: str) -> Settings:
    header, plugin, python = _HEADER.search(text), _PLUGIN.search(text), _PYTHON.search(text)
    return Settings(
        python=python.group(1) if python else "",
        pytest=python.group(2) if python else None,
        pytest_asyncio=plugin.group(1) if plugin else None,
        fixture_loop_scope=_value(header, "fixture"),
        test_loop_scope=_value(header, "test"),
    )


def _value(match: re.Match[str] | None, name: str) -> str | None:
    value = match.group(name) if match else None
    return None if value in (None, "None") else value


def _weigh(
    message: catalogue.Message, text: str, settings: Settings
) -> tuple[str, str, tuple[str, ...]]:
    if message.cause == "not a loop problem" and message.nature != "maybe":
        return message.cause, message.sure, ()
    if message.id == "operation-in-progress":
        return message.cause, message.sure, ()
    seen = [
        ("TestClient portal", "starlette/testclient.py", "starlette[\\\\/]testclient"),
        ("second loop in a thread", "threading.py's run()", r"threading\.py.*\bin run\b"),
    ]
    for cause, words, pattern in seen:
        if re.search(pattern, text):
            return cause, "likely", (f"the traceback passes through {words}",)
    plugins = (r"pytest_asyncio[\\/]plugin", r"anyio[\\/]pytest_plugin")
    if all(re.search(plugin, text) for plugin in plugins):
        return "two plugins", "likely", ("pytest-asyncio and anyio's plugin are on the stack",)
    if message.id in ("loop-running", "nested-run", "scope-mismatch"):
        return message.cause, message.sure, ()  # no loop scopes of the log would tell more
    fixture, test = settings.fixture_loop_scope, settings.test_loop_scope
    if message.id == "loop-closed" or message.cause == "object outlives its loop":
        return "object outlives its loop", "likely", (message.says,)
    if fixture and test and fixture != test:
        evidence = f"the header says fixture loop scope {fixture}, test loop scope {test}"
        return "loop scope mismatch", "likely", (evidence,)
    if "asyncio/runners.py" in text and "pytest" not in text:
        return "asyncio.run repeated", "likely", ("asyncio.run is on the stack, pytest is not",)
    if fixture and fixture == test:
        evidence = f"fixtures and tests both use {fixture} loops, so the object was kept longer"
        return "object outlives its loop", "likely", (evidence,)
    return message.cause, "possible: the log does not show the loop scopes", ()


def _advice(cause: str, message: str, driver: str | None) -> list[str]:
    engine = driver in ("sqlalchemy", "asyncpg")
    if message in BY_MESSAGE:
        return list(BY_MESSAGE[message])
    by_cause = {
        "loop scope mismatch": ["one-loop", "fixtures-to-tests"],
        "object outlives its loop": ["one-loop", *(["null-pool"] if engine else ["build-inside"])],
        "second loop in a thread": ["owning-thread"],
        "TestClient portal": ["asgi-transport"],
        "two plugins": ["one-plugin"],
        "asyncio.run repeated": ["one-run", "build-per-run"],
    }
    return by_cause.get(cause, [])


def report(reading: LogReading, width: int = 80) -> list[str]:
    """The reading as lines for a terminal."""
    first, count = reading.messages[0]
    times = "once" if count == 1 else f"{count} times"
    said = [("Seen", f"{first.says} ({times})")]
    said += [("Also", f"{message.says} ({number})") for message, number in reading.messages[1:]]
    if reading.driver and reading.driver not in ("asyncio", "pytest"):
        said.append(("In", reading.driver))
    said.append(("So", f"{reading.cause}: {catalogue.CAUSES[reading.cause]}"))
    said.append(("Sure", reading.sure))
    said += [("", f"because {one}") for one in reading.evidence]
    head = "Cure"
    for one in reading.cures:
        said.append((head, f"{one.text}: {one.change}"))
        head = ""
        if one.link:
            said.append((head, one.link))
    said.append(
        ("Next", "pip install whichloop, and run the failing test again: it names the object")
    )
    return [line for start, text in said for line in wrapped(start, text, width)]
