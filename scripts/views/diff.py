"""`make diff-N`: the difference between a side and broken/."""

from scripts.sides import diffs, manifest
from scripts.sides.manifest import Side, SideKind
from scripts.views import terminal

STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show_diff(kind: SideKind, number: str) -> None:
    """Show that of the remedy ("fix") or trap of this number."""
    print_diff(manifest.load().numbered(kind, number))


def print_diff(side: Side) -> None:
    terminal.line()
    for line in diffs.unified(side).splitlines():
        is_file = line.startswith(("+++", "---"))
        terminal.line(line, "bold" if is_file else STYLES.get(line[:1], ""))
