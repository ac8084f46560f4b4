"""``whichloop advise``: the smallest change of a project's configuration with which the audit
foresees no more trouble, as a diff; and what to do by hand where there is none."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from whichloop.diagnose.codes import page
from whichloop.ini import Changes, edited, options_of
from whichloop.options import NEUTRAL, candidates, in_force, options_in, overrides, repaired
from whichloop.present.section import Groups, in_words, lines_of, under
from whichloop.recording import of_text
from whichloop.records import Cure, Foreseen, Settings
from whichloop.trial import Trial, audit_of

_BY_HAND = 3  # cures that are told
_OF_CACHED = ("loop-as-long-as-cache", "cache-per-test")
_OPENS = re.compile(r"\b(asyncio\.run|Runner|run_until_complete|async_to_sync|TestClient)\(")
_ON_EACH_TEST = (
    "async fixtures run on the loop of each test: one that is cached for longer than a test must "
    "name a loop_scope of its own"
)
_SHARED = (
    "one loop for the whole {}: its tests share it, and a task that a test leaves running goes on "
    "in the tests after it; nothing is closed or disposed that was not before"
)
_BEYOND = (
    "what opens loops while it runs (asyncio.run, threads, TestClient, IsolatedAsyncioTestCase) "
    "is not foreseen. What a run shows is read, too: pytest --whichloop-record=seen.json, then "
    "whichloop advise --recording seen.json"
)
# Findings of a run in the audit's form, with the cures that were told.
_Seen = Mapping[Foreseen, tuple[Cure, ...]]


class Advice(NamedTuple):
    """``lines`` for the reader, and the exit status: 1 for trouble without a sure cure, 2 where no
    audit was possible. ``text`` is to be in the file ``path``; None if that stays as it is."""

    lines: list[str]
    status: int = 0
    path: Path = Path()
    text: str | None = None


def advise(folder: Path, recording: bytes | None = None) -> Advice:
    """What to change in the configuration of the project in ``folder``, and what that cures, leaves
    and costs. A ``recording`` of a run adds what failed there. No test runs. Raises RecordingError
    for what is no recording, and OSError for a file that cannot be read."""
    if not folder.is_dir():
        return Advice([f"there is no folder {folder}"], 2)
    seen = _seen(recording) if recording is not None else {}
    now = audit_of(folder, {})
    settings = now.settings or audit_of(folder, NEUTRAL).settings
    if settings is None:
        return Advice([now.why], 2)
    path = folder / (settings.ini or "pytest.ini")
    if path.parent in folder.resolve().parents:  # a part of a project: the others' file, too
        return advise(path.parent, recording)
    try:
        text = path.read_bytes().decode() if path.exists() else ""
        options = options_of(path.name, text)
        repairs, said = repaired(options, settings)
        if repairs:
            now = audit_of(folder, overrides(repairs, options, settings))
        if now.why or now.settings is None:
            return Advice([now.why], 2)
        trouble = [*now.trouble, *seen]
        change, left = _chosen(folder, now, seen, repairs, options)
        changes = {**repairs, **change}
        new = edited(path.name, text, changes) if changes else text
    except ValueError as error:
        return Advice(lines_of([("No", f"it is not sure what to change in {path}: {error}")]), 1)
    notes, settings = under("Note", map(_told, now.notes)), now.settings
    if changes:
        cured = [_told(finding) for finding in trouble if finding not in left]
        scope = next(iter(change.values()), "")
        price = _ON_EACH_TEST if scope == "function" else _SHARED.format(scope)
        leaves = [*_by_hand(left, settings, seen), *_opened(folder, trouble), _BEYOND]
        rows = [
            *under("Cures", said + cured or ["fixtures and tests that are on different loops"]),
            *under("Leaves", leaves),
            ("Price", price if scope else ""),
        ]
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        diff = _diff(f"a/{name}" if path.exists() else "/dev/null", text, f"b/{name}", new)
        return Advice([*diff, "", *lines_of(rows + notes)], 0, path, new)
    if trouble:
        refusal = "no line of a configuration file is a sure cure; nothing is to be changed there"
        rows = [("No", refusal), *under("Sees", _by_hand(trouble, settings, seen))]
        return Advice(lines_of(rows + notes), 1)
    fine = f"nothing to do: no trouble is foreseen in {now.tests} collected tests"
    return Advice(lines_of([("Fine", fine), ("Leaves", _BEYOND), *notes]))


def _seen(recording: bytes) -> _Seen:
    """What failed in a run, once for each cause."""
    groups = Groups()
    for finding in (finding for part in of_text(recording) for finding in part.findings):
        groups.add(finding)
    examples = [(group.findings[0], tuple(group.tests)) for group in groups]
    return {
        Foreseen(
            first.code, first.cause, first.sentence, first.crossing_line, tests=tests
        ): first.cures
        for first, tests in examples
    }


def _chosen(
    folder: Path, now: Trial, seen: _Seen, repairs: Changes, options: Mapping[str, str]
) -> tuple[dict[str, str], list[Foreseen]]:
    """The smallest change with which the audit foresees less trouble and none elsewhere, and what
    it leaves. Each is tried; no change where there is no such one."""
    settings, before = now.settings or Settings(), [*now.trouble, *seen]
    places = {(finding.code, finding.site) for finding in before}
    wanted = {told: list(filter(None, map(options_in, cures))) for told, cures in seen.items()}
    best: tuple[dict[str, str], list[Foreseen]] = {}, before
    for change in candidates(options, settings, bool(before)):
        tried = audit_of(folder, overrides({**repairs, **change}, options, settings))
        state = (in_force(settings) | change).items()
        cured = {told for told, any_of in wanted.items() if any(o.items() <= state for o in any_of)}
        left = [*tried.trouble, *(told for told in seen if told not in cured)]
        if tried.why or not {(finding.code, finding.site) for finding in left} <= places:
            continue
        if not left:
            return change, left
        best = min(
            best, (change, left), key=lambda tried: len({t for f in tried[1] for t in f.tests})
        )
    return best


def _by_hand(findings: Iterable[Foreseen], settings: Settings, seen: _Seen) -> Iterable[str]:
    """Findings in words, those of the same cures together, and these."""
    by_cures: dict[tuple[Cure, ...], list[Foreseen]] = {}
    for finding in findings:
        known = page(finding.code, settings)
        cures = seen.get(finding) or (known.cures if known else ())
        if finding not in seen and " is cached for " in finding.text:
            cures = tuple(cure for cure in cures if cure.id in _OF_CACHED)
        by_cures.setdefault(cures, []).append(finding)
    for cures, together in by_cures.items():
        yield from map(_told, together)
        told = {cure.change: cure for cure in reversed(cures) if not options_in(cure)}
        words = in_words(list(reversed(told.values()))[:_BY_HAND])
        yield f"by hand: {'; '.join(words)} (whichloop explain {together[0].code})"


def _opened(folder: Path, trouble: Iterable[Foreseen]) -> Iterable[str]:
    """Where the files of the tests in trouble open loops themselves."""
    for file in sorted({test.partition("::")[0] for finding in trouble for test in finding.tests}):
        path = folder / file
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        for number, line in enumerate(text.splitlines(), 1):
            if opens := _OPENS.search(line):
                yield f"{file}:{number}: {opens[1]} opens a loop, which no option moves"


def _told(finding: Foreseen) -> str:
    where = f" ({finding.site})" if finding.site else ""
    count = len(finding.tests)
    tests = f"; {count} test{'' if count == 1 else 's'}" if count else ""
    return f"{finding.code} {finding.name}: {finding.text}{where}{tests}"


def _diff(before: str, old: str, after: str, new: str) -> list[str]:
    lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    diff = difflib.unified_diff(*lines, before, after)
    end = "\n\\ No newline at end of file"
    return [line.removesuffix("\n") if line.endswith("\n") else line + end for line in diff]
