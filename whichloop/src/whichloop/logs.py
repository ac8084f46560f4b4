"""A pasted traceback or a CI log in, the most likely cause out. Pure."""

import re
from typing import NamedTuple

from whichloop import messages
from whichloop.diagnose import causes
from whichloop.messages import Message
from whichloop.present.section import wrapped
from whichloop.records import Cure, ObjectRecord, Settings

MAX_LINE = 4000

_HEADER = re.compile(
    r"asyncio_default_fixture_loop_scope=(?P<fixture>\w+),?\s*"
    r"asyncio_default_test_loop_scope=(?P<test>\w+)"
)
_PLUGIN = re.compile(r"\basyncio-(\d+(?:\.\d+)+)")
_PYTHON = re.compile(r"Python (\d+\.\d+\.\d+).*?pytest-(\d+(?:\.\d+)+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NATURES = ("loop", "maybe", "other")


class LogReading(NamedTuple):
    """``messages`` holds each catalogue entry seen with its count, the most telling first."""

    messages: tuple[tuple[Message, int], ...]
    cause: causes.Cause
    sure: str
    evidence: tuple[str, ...]
    driver: str | None
    cures: tuple[Cure, ...]


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
    counts: dict[str, int] = {}
    for line in text.splitlines():
        for message in messages.MESSAGES:
            if message.match(line[:MAX_LINE]):
                counts[message.id] = counts.get(message.id, 0) + 1
                break
    seen = [(message, counts[message.id]) for message in messages.MESSAGES if message.id in counts]
    if not seen:
        return None
    seen.sort(key=lambda pair: _NATURES.index(pair[0].nature))
    first = seen[0][0]
    settings = _settings(text)
    cause, sure, evidence = _weigh(first, text, settings)
    driver = messages.driver_hint(first, text)
    # The log shows a driver at most: what is known of an object in a run is left open.
    obj = ObjectRecord(0, driver, causes.NOUNS.get(driver, driver), "") if driver else None
    case = causes.Case(settings, obj)
    words = {"noun": case.noun(), "scope": settings.fixture_loop_scope or "session"}
    cures = causes.made(first.cures, settings, words) or cause.cures(case)
    return LogReading(tuple(seen), cause, sure, evidence, driver, cures)


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
    message: Message, text: str, settings: Settings
) -> tuple[causes.Cause, str, tuple[str, ...]]:
    if message.cause is causes.NOT_LOOPS:
        return message.cause, message.sure, ()
    on_stack = [
        (causes.PORTAL, "starlette/testclient.py", r"starlette[\\/]testclient"),
        (causes.THREAD, "threading.py's run()", r"threading\.py.*\bin run\b"),
    ]
    for cause, words, pattern in on_stack:
        if re.search(pattern, text):
            return cause, "likely", (f"the traceback passes through {words}",)
    plugins = (r"pytest_asyncio[\\/]plugin", r"anyio[\\/]pytest_plugin")
    if all(re.search(plugin, text) for plugin in plugins):
        return causes.TWO_PLUGINS, "likely", ("pytest-asyncio and anyio's plugin are on the stack",)
    if message.id in ("loop-running", "nested-run", "scope-mismatch"):
        return message.cause, message.sure, ()  # no loop scopes of the log would tell more
    if message.cause is causes.OUTLIVES:
        return causes.OUTLIVES, "likely", (message.says,)
    fixture, test = settings.fixture_loop_scope, settings.test_loop_scope
    if fixture and test and fixture != test:
        evidence = f"the header says fixture loop scope {fixture}, test loop scope {test}"
        return causes.MISMATCH, "likely", (evidence,)
    if "asyncio/runners.py" in text and "pytest" not in text:
        return causes.REPEATED, "likely", ("asyncio.run is on the stack, pytest is not",)
    if fixture and fixture == test:
        evidence = f"fixtures and tests both use {fixture} loops, so the object was kept longer"
        return causes.OUTLIVES, "likely", (evidence,)
    return message.cause, "possible: the log does not show the loop scopes", ()


def report(reading: LogReading, width: int = 80) -> list[str]:
    """The reading as lines for a terminal."""
    first, count = reading.messages[0]
    times = "once" if count == 1 else f"{count} times"
    rows = [("Seen", f"{first.says} ({times})")]
    rows += [("Also", f"{message.says} ({number})") for message, number in reading.messages[1:]]
    if reading.driver and reading.driver not in ("asyncio", "pytest"):
        rows.append(("In", reading.driver))
    rows.append(("So", f"{reading.cause.name}: {reading.cause.meaning}"))
    rows.append(("Sure", reading.sure))
    rows += [("", f"because {evidence}") for evidence in reading.evidence]
    head = "Cure"
    for cure in reading.cures:
        rows.append((head, f"{cure.text}: {cure.change}"))
        head = ""
        if cure.link:
            rows.append((head, cure.link))
    rows.append(
        ("Next", "pip install whichloop, and run the failing test again: it names the object")
    )
    return [line for start, text in rows for line in wrapped(start, text, width)]
