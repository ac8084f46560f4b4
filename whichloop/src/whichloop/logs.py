"""A pasted traceback or a CI log in, the most likely cause out. Pure."""

import itertools
import re
from collections import Counter
from typing import NamedTuple

from whichloop import messages
from whichloop.diagnose import causes
from whichloop.diagnose.case import Case, Cause, made
from whichloop.diagnose.drivers import NOUNS
from whichloop.messages import Message
from whichloop.present.section import in_words, lines_of, under
from whichloop.records import Cure, ObjectRecord, Settings

MAX_LINE = 4000

_HEADER = re.compile(
    r"asyncio_default_fixture_loop_scope=(\w+),?\s*asyncio_default_test_loop_scope=(\w+)"
)
_PLUGIN = re.compile(r"\basyncio-(\d+(?:\.\d+)+)")
_PYTHON = re.compile(r"Python (\d+\.\d+\.\d+).*?pytest-(\d+(?:\.\d+)+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LogReading(NamedTuple):
    """``messages`` holds each catalogue entry seen with its count, the most telling first."""

    messages: tuple[tuple[Message, int], ...]
    cause: Cause
    sure: str
    because: str
    driver: str | None
    cures: tuple[Cure, ...]


def decode(raw: bytes) -> str | None:
    """The text of a log, or None for bytes that are no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    text = raw.decode("utf-8", "replace")
    strange = b"\0" in raw or text.count("\ufffd") > len(text) * 0.1
    return None if strange else text


def read_log(text: str) -> LogReading | None:
    """What a log, maybe cut off, tells of event loops; None for one without a known message."""
    text = _COLOUR.sub("", text)
    entries = messages.MESSAGES
    lines = (line[:MAX_LINE] for line in text.splitlines())
    matched = (next((entry for entry in entries if entry.match(line)), None) for line in lines)
    counts = Counter(entry for entry in matched if entry is not None)
    if not counts:
        return None
    seen = tuple((entry, counts[entry]) for entry in entries if entry in counts)
    first = seen[0][0]
    settings = _settings(text)
    cause, sure, because = _weigh(first, text, settings)
    driver = messages.driver_hint(first, text)
    # The log shows a driver at most: what is known of an object in a run is left open.
    obj = ObjectRecord(0, driver, NOUNS.get(driver, driver), "") if driver else None
    case = Case(settings, obj, seen=bool(settings.pytest_asyncio))
    words = {"noun": case.noun(), "scope": settings.fixture_loop_scope or "session"}
    cures = made(first.cures, words, case) or cause.cures(case)
    return LogReading(seen, cause, sure, because, driver, cures)


def _settings(text: str) -> Settings:
    header, plugin, python = _HEADER.search(text), _PLUGIN.search(text), _PYTHON.search(text)
    fixture, test = header.groups() if header else (None, None)
    return Settings(
        python=python.group(1) if python else "",
        pytest=python.group(2) if python else None,
        pytest_asyncio=plugin.group(1) if plugin else None,
        fixture_loop_scope=None if fixture == "None" else fixture,
        test_loop_scope=None if test == "None" else test,
    )


def _weigh(message: Message, text: str, settings: Settings) -> tuple[Cause, str, str]:
    """The cause, how sure that is, and because of what: the first that holds."""
    fixture, test = settings.fixture_loop_scope, settings.test_loop_scope
    portal = "the traceback passes through starlette/testclient.py"
    thread = "the traceback passes through threading.py's run()"
    plugins = "pytest-asyncio and anyio's plugin are on the stack"
    both = (r"pytest_asyncio[\\/]plugin", r"anyio[\\/]pytest_plugin")
    differ = f"the header says fixture loop scope {fixture}, test loop scope {test}"
    runs = "asyncio.run is on the stack, pytest is not"
    same = f"fixtures and tests both use {fixture} loops, so the object was kept longer"
    rules = (
        (causes.NOT_LOOPS, message.cause is causes.NOT_LOOPS, ""),
        (causes.PORTAL, re.search(r"starlette[\\/]testclient", text), portal),
        (causes.THREAD, re.search(r"threading\.py.*\bin run\b", text), thread),
        (causes.TWO_PLUGINS, all(re.search(plugin, text) for plugin in both), plugins),
        # No loop scopes of the log would tell more than these messages do.
        (message.cause, message.id in ("loop-running", "nested-run", "scope-mismatch"), ""),
        (causes.OUTLIVES, message.cause is causes.OUTLIVES, message.says),
        (causes.MISMATCH, fixture and test and fixture != test, differ),
        (causes.REPEATED, "asyncio/runners.py" in text and "pytest" not in text, runs),
        (causes.OUTLIVES, fixture and fixture == test, same),
    )
    for cause, holds, because in rules:
        if holds:
            return cause, "likely" if because else message.sure, because
    return message.cause, "possible: the log does not show the loop scopes", ""


def report(reading: LogReading) -> list[str]:
    """The reading as lines for a terminal."""
    (first, count), *others = reading.messages
    driver = reading.driver if reading.driver not in ("asyncio", "pytest") else None
    links = [cure.link or "" for cure in reading.cures]
    texts = zip(in_words(reading.cures), links, strict=True)
    rows = [
        ("Seen", f"{first.says} ({'once' if count == 1 else f'{count} times'})"),
        *(("Also", f"{message.says} ({number})") for message, number in others),
        ("In", driver or ""),
        ("So", f"{reading.cause.name}: {reading.cause.meaning}"),
        ("Sure", reading.sure),
        ("", f"because {reading.because}" if reading.because else ""),
        *under("Cure", itertools.chain.from_iterable(texts)),
        ("Next", "run the failing test again with whichloop's pytest plugin: it names the object"),
    ]
    return lines_of(rows)
