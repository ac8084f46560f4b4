"""A finding as the lines of a report. Pure."""

import textwrap

from whichloop.records import Actor, Finding, LoopRecord, ObjectRecord, Site

WIDTH = 80
_HANG = " " * 7


def wrapped(head: str, text: str, width: int) -> list[str]:
    """``text`` beside ``head``, with a hanging indent."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"{head:<7}",
        subsequent_indent=_HANG,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head]


def _at(site: Site | None) -> str:
    return f"at {site}" if site is not None else "at a line not known"


def _scopes(actor: Actor) -> str:
    if actor.kind != "fixture":
        return ""
    caching, loop = actor.caching_scope or "not known", actor.loop_scope
    runs = f", loop scope {loop}" if loop else ", not async"
    return f" (caching scope {caching}{runs})"


def describe(loop: LoopRecord | None) -> str:
    """A loop by its letter and its owner."""
    if loop is None:
        return "a loop that is not known"
    article = "the " if "loop" in loop.owner.split(" of ")[0].split()[-1:] else ""
    return f"loop {loop.id}, {article}{loop.owner}"


def life(loop: LoopRecord) -> str:
    """Birth and death of a loop."""
    opened = f"opened by {loop.opened_by}" if loop.opened_by.name else "opened by what is not known"
    at = f" at {loop.opened_at}" if loop.opened_at else ""
    thread = "" if loop.thread == "MainThread" else f" in thread {loop.thread}"
    if loop.closed is None:
        end = "still open"
    elif loop.closed_by is None or not loop.closed_by.name:
        end = "closed since"
    elif loop.closed_by == loop.opened_by:
        end = "closed at its end"
    else:
        end = f"closed during {loop.closed_by}"
    return f"loop {loop.id} was {opened}{at}{thread}; {end}"


def _let(obj: ObjectRecord, loop: LoopRecord | None, width: int) -> list[str]:
    engine = obj.part_of == "AsyncEngine"
    built = f"{obj.label} {obj.type}"
    if obj.part_of:
        built += f" of {'an ' if engine else ''}{obj.part_of}"
    if obj.built_at is None and obj.built_by.kind == "unknown":
        built += ", built where whichloop did not see it"
    else:
        what = f"{'the engine' if engine else 'its owner'} built" if obj.part_of else "built"
        built += f", {what} {_at(obj.built_at)} by {obj.built_by}{_scopes(obj.built_by)}"
    if obj.kept_by:
        built += f", kept by {obj.kept_by}"
    elif obj.built_by.cache:
        built += f", kept by functools cache {obj.built_by.cache}"
    lines = wrapped("Let", built, width)
    bound = f"it bound to {describe(loop)},"
    if obj.bound_at is not None or obj.bound_by.kind != "unknown":
        who = "" if obj.bound_by == obj.built_by else f" by {obj.bound_by}"
        bound += f" at its first use, {_at(obj.bound_at)[3:]}{who}"
    else:
        bound += " at a line not known"
    lines += wrapped("", bound, width)
    if loop is not None:
        lines += wrapped("", life(loop), width)
    return lines


def render(finding: Finding, width: int = WIDTH) -> str:
    """The section of one finding: headline, Let, Then, So, Cure."""
    lines = textwrap.wrap(finding.headline, width)
    obj = finding.object
    if obj is not None:
        lines += _let(obj, finding.bound_loop, width)
    elif finding.bound_loop is not None:
        lines += wrapped("Let", life(finding.bound_loop), width)
    using = finding.using_loop
    who = str(finding.used_by) if finding.used_by.kind != "unknown" else finding.during
    if using is not None:
        own = using.scope == "function" and finding.during and finding.during in using.owner
        where = f"loop {using.id}, its own function loop" if own else describe(using)
        then = f"{who or 'what ran'} ran on {where}"
        does = ", and used it" if obj is not None else "; the error came"
        then += f"{does} {_at(finding.crossing_line)}"
        if not own or using.closed is not None:
            then += f" ({life(using)})"
        lines += wrapped("Then", then, width)
    elif finding.crossing_line is not None:
        lines += wrapped("Then", f"the error came {_at(finding.crossing_line)}", width)
    elif obj is None and finding.bound_loop is not None:
        then = f"{who or 'what followed'} was to run on another loop, and could not start"
        lines += wrapped("Then", then, width)
    lines += wrapped("So", f"{finding.cause}: {finding.sentence}", width)
    if finding.sure != "sure":
        lines += wrapped("", f"({finding.sure})", width)
    head = "Cure"
    for cure in finding.cures:
        lines += wrapped(head, f"{cure.text}: {cure.change}", width)
        head = ""
    if finding.cures:
        link = next((cure.link for cure in finding.cures if cure.link), None)
        if link:
            lines.append(f"See    {link}")
    else:
        lines += wrapped("Cure", "not known: no advice is better than a guess", width)
    return "\n".join(lines)
