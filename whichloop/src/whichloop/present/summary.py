"""What stands at the end of a run: the audit, errors that no test failed with, warnings. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from whichloop.present.section import render
from whichloop.records import Finding


class Line(NamedTuple):
    """A line of the summary; ``style`` is title, plain or warning."""

    text: str
    style: str = "plain"


def audited(lines: Sequence[str]) -> list[Line]:
    """The lines of an audit below their title."""
    return [Line("whichloop audit", "title"), *map(Line, lines)] if lines else []


def only_logged(findings: Sequence[Finding], more: int) -> list[Line]:
    """Each explanation once, with how often it was given; ``more`` were not kept."""
    counts: dict[str, int] = {}
    for finding in findings:
        text = render(finding)
        counts[text] = counts.get(text, 0) + 1
    lines = [Line("whichloop: errors that were only logged", "title")] if counts else []
    for text, count in counts.items():
        lines.append(Line(f"{text}{f' ({count} times)' if count > 1 else ''}\n"))
    if more:
        lines.append(Line(f"and {more} more that are not shown"))
    return lines


def warnings(switched_off: Mapping[str, str], path: str | None, unwritten: str) -> list[Line]:
    """The probes that failed, and whether the recording asked for was written."""
    texts = [f"probe {probe} switched off: {error}" for probe, error in switched_off.items()]
    texts += [unwritten] if unwritten else []
    lines = [Line(f"whichloop: warning: {text}", "warning") for text in texts]
    if path and not unwritten and "recording" not in switched_off:
        lines.append(Line(f"whichloop: recording written to {path}"))
    return lines


def raised_at_exit(findings: Sequence[Finding]) -> list[str]:
    """The explanations of errors of finalizers that ran after the summary."""
    texts = dict.fromkeys(map(render, findings))
    return ["whichloop: errors raised at exit", *texts] if texts else []
