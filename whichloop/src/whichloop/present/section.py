"""A finding as the lines of a report. Pure."""

import textwrap
from collections.abc import Iterable

from whichloop.records import Finding, LoopRecord, ObjectRecord, Site

WIDTH = 80


def under(head: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """The texts as rows, of which the first has the head."""
    return [("" if at else head, text) for at, text in enumerate(texts)]


def lines_of(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Each text beside its head, with a hanging indent; a row without a text has no line."""
    lines = []
    for head, text in rows:
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"{head:<7}",
            subsequent_indent=" " * 7,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _at(site: Site | None) -> str:
    return str(site or "a line not known")


def describe(loop: LoopRecord | None) -> str:
    if loop is None:
        return "a loop that is not known"
    article = "the " if "loop" in loop.owner.split(" of ")[0].split()[-1:] else ""
    return f"loop {loop.id}, {article}{loop.owner}"


def life(loop: LoopRecord) -> str:
    opener = loop.opened_by if loop.opened_by.name else "what is not known"
    at = f" at {loop.opened_at}" if loop.opened_at else ""
    thread = "" if loop.thread == "MainThread" else f" in thread {loop.thread}"
    closer = loop.closed_by if loop.closed_by and loop.closed_by.name else None
    end = f"closed during {closer}" if closer else "closed since"
    if loop.closed is None:
        end = "still open"
    elif closer == loop.opened_by:
        end = "closed at its end"
    return f"loop {loop.id} was opened by {opener}{at}{thread}; {end}"


def _let(obj: ObjectRecord | None, loop: LoopRecord | None) -> list[str]:
    """Who built the object and what keeps it; what it bound to, and the life of that loop."""
    lived = [life(loop)] if loop is not None else []
    if obj is None:
        return lived
    engine, builder = obj.part_of == "AsyncEngine", obj.built_by
    part = f" of {'an ' if engine else ''}{obj.part_of}" if obj.part_of else ""
    built = "built where whichloop did not see it"
    if obj.built_at is not None or builder.kind != "unknown":
        runs = f"loop scope {builder.loop_scope}" if builder.loop_scope else "not async"
        cached = builder.caching_scope or "not known"
        scopes = f" (caching scope {cached}, {runs})" if builder.kind == "fixture" else ""
        what = f"{'the engine' if engine else 'its owner'} built" if obj.part_of else "built"
        built = f"{what} at {_at(obj.built_at)} by {builder}{scopes}"
    keeper = obj.kept_by or (f"functools cache {builder.cache}" if builder.cache else "")
    kept = f", kept by {keeper}" if keeper else ""
    first_use = "at a line not known"
    if obj.bound_at is not None or obj.bound_by.kind != "unknown":
        by = "" if obj.bound_by == builder else f" by {obj.bound_by}"
        first_use = f"at its first use, {_at(obj.bound_at)}{by}"
    return [
        f"{obj.label} {obj.type}{part}, {built}{kept}",
        f"it bound to {describe(loop)}, {first_use}",
        *lived,
    ]


def _then(finding: Finding) -> str:
    """What ran on the other loop, and where; an empty text where nothing is known of it."""
    obj, using, line = finding.object, finding.using_loop, finding.crossing_line
    who = str(finding.used_by) if finding.used_by.kind != "unknown" else finding.during
    if using is not None:
        own = using.scope == "function" and finding.during and finding.during in using.owner
        where = f"loop {using.id}, its own function loop" if own else describe(using)
        does = ", and used it" if obj is not None else "; the error came"
        more = "" if own and using.closed is None else f" ({life(using)})"
        return f"{who or 'what ran'} ran on {where}{does} at {_at(line)}{more}"
    if line is not None:
        return f"the error came at {line}"
    if obj is None and finding.bound_loop is not None:
        return f"{who or 'what followed'} was to run on another loop, and could not start"
    return ""


def render(finding: Finding) -> str:
    """The section of one finding: headline, Let, Then, So, Cure."""
    advice = [f"{cure.text}: {cure.change}" for cure in finding.cures]
    rows = [
        *under("Let", _let(finding.object, finding.bound_loop)),
        ("Then", _then(finding)),
        ("So", f"{finding.cause}: {finding.sentence}"),
        ("", f"({finding.sure})" if finding.sure != "sure" else ""),
        *under("Cure", advice or ["not known: no advice is better than a guess"]),
        ("See", next((cure.link for cure in finding.cures if cure.link), "")),
    ]
    return "\n".join([*textwrap.wrap(finding.headline, WIDTH), *lines_of(rows)])
