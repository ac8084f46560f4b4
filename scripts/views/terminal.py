"""The terminal: lines, sentences and progress bars. Results go to stdout, all else to stderr."""

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

# A pipe has no width of its own: wide enough for the longest test name on one line.
PIPE_WIDTH = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 100
console = Console(highlight=False, width=PIPE_WIDTH)
errors = Console(stderr=True, highlight=False)
# Everything by which text could steer a terminal; a line's end and a tab are text.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def line(text: str = "", style: str = "", to: Console | None = None) -> None:
    """A line of text that is not markup, as it is: a command, a diff, an exception's message."""
    (to or console).print(escape(harmless(text)), style=style or None, soft_wrap=True)


def prose(text: str, style: str = "", to: Console | None = None) -> None:
    """Sentences, broken between words and with an indent where they meet the terminal's edge.

    In a pipe each stays on one line, for those who search it, unless COLUMNS gives it a width.
    """
    target = to or console
    for sentence in text.splitlines() or [""]:
        if target.is_terminal or os.environ.get("COLUMNS"):
            sentence = textwrap.fill(
                sentence,
                target.width,
                subsequent_indent=" " * (len(sentence) - len(sentence.lstrip()) + 2),
                break_long_words=False,  # a path or a URL stays whole
                break_on_hyphens=False,
            )
        line(sentence, style, target)


def status(text: str, style: str = "") -> None:
    """How far a command has come: not its result, which alone goes to stdout."""
    prose(text, style, errors)


def harmless(text: str) -> str:
    """`text` with its control characters spelled out: a test's or a server's may hold any."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def error(text: str, hint: str = "") -> None:
    """What was wrong, and what to type next."""
    errors.print(f"[bold red]error:[/] {escape(harmless(text))}", soft_wrap=True)
    if hint:
        errors.print(f"Try: {escape(harmless(hint))}", soft_wrap=True)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar while the block lasts (a line in a pipe), and what to call for each of its steps."""
    if not errors.is_terminal:
        status(f"{title} …")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    disable = not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=disable) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)
