"""What a test or a server said reaches the terminal as text, whatever is in it."""

import io

import pytest
from rich.console import Console

from scripts import show


@pytest.mark.parametrize(
    ("said", "shown"),
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
def test_control_characters_are_spelled_out(
    said: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=out, width=200))

    show.say(said)

    assert out.getvalue().expandtabs() == f"{shown}\n".expandtabs()
