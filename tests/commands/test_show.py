"""What reaches the terminal: as text, whatever is in it, and broken where a reader would."""

import io

import pytest
from rich.console import Console

from scripts.views import run as view
from scripts.views import terminal
from scripts.views.run import NO_LOOP, print_outcomes, shortened
from tests.support.runs import entry, run_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä, 検証\nand lines", "plain, ä, 検証\nand lines"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;a title\x07", r"\x1b]0;a title\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202ereversed", r"\u202ereversed"),
        ("[bold]markup[/]", "[bold]markup[/]"),
    ],
)
def test_control_characters_are_spelled_out(text, shown, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=out, width=200))

    terminal.line(text)

    assert out.getvalue().expandtabs() == f"{shown}\n".expandtabs()


SENTENCE = (
    "  Why: The pool hands out the connection that the test before opened on its own, closed loop;"
    " see https://example.org/a/page/that/is/longer/than/the/line"
)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is printed on a console of 40 columns."""
    out = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=out, width=40))
    monkeypatch.delenv("COLUMNS", raising=False)
    return out


def test_sentences_break_between_words_with_an_indent(narrow, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    terminal.prose(f"{SENTENCE}\n\nA short one.")

    assert narrow.getvalue().splitlines() == [
        "  Why: The pool hands out the connection",
        "    that the test before opened on its",
        "    own, closed loop; see",
        "    https://example.org/a/page/that/is/longer/than/the/line",
        "",
        "A short one.",
    ]


def test_a_sentence_in_a_pipe_and_what_somebody_may_copy_are_not_broken(narrow, monkeypatch):
    terminal.prose(SENTENCE)
    monkeypatch.setenv("COLUMNS", "40")
    terminal.line(SENTENCE)

    assert narrow.getvalue() == f"{SENTENCE}\n" * 2


MESSAGE = (
    "Task <Task pending name='Task-8' coro=<test_x() running at /home/m e/検証/suite/test_x.py:22>"
    " cb=[_run_until_complete_cb() at /usr/lib/python3.11/asyncio/base_events.py:180]> got Future"
    " <Future pending cb=[f.<locals>.g() at /usr/lib/python3.11/asyncio/futures.py:387]>"
    " attached to a different loop"
)


def test_a_message_is_shortened_to_what_the_readme_shows():
    assert shortened(MESSAGE) == (
        "Task <Task pending name='Task-8' coro=<test_x() running at …/suite/test_x.py:22> cb=[…]>"
        " got Future <Future pending cb=[f.<locals>.g() at …/asyncio/futures.py:387]>"
        " attached to a different loop"
    )
    assert shortened("sorry, too many clients already") == "sorry, too many clients already"


def test_what_failing_tests_said_is_shown_once_of_each_kind_and_driver(narrow):
    full = {"kind": "other", "driver": "asyncpg", "message": "sorry, too many clients\n(more)"}
    loop = {"kind": "different_loop", "driver": "motor", "message": MESSAGE}
    run = run_of(
        entry("t.py::passes", "passed"),
        entry("t.py::skipped", "skipped"),
        entry("t.py::first", "failed", **full),
        entry("t.py::second", "failed", **full),
        entry("t.py::third", "error", **loop),
    )

    view.print_messages(run)

    assert narrow.getvalue().splitlines() == [
        "other error asyncpg, in t.py::first:",
        "  RuntimeError: sorry, too many clients",
        "  (more)",
        "different loop motor, in t.py::third:",
        f"  RuntimeError: {shortened(MESSAGE)}",
    ]


LOOP = {"id": "A", "scope": None, "thread": None, "opened_by": None, "closed_by": None}


@pytest.mark.parametrize(
    ("loop", "loops", "explained"), [(None, [LOOP], True), ("A", [LOOP], False), (None, [], False)]
)
def test_a_column_of_loops_that_is_empty_says_why(narrow, loop, loops, explained):
    print_outcomes(run_of({**entry("t.py::a", "passed"), "loop": loop}, loops=loops))

    assert (NO_LOOP in narrow.getvalue()) == explained
