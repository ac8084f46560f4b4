"""Commands beside each other in one checkout: each is right, each file is whole."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.run.model import Run
from scripts.sides import manifest
from scripts.verdict.grade import judge
from tests.faults.seen import Seen
from tests.support.commands import Done, started

DOCUMENTED = manifest.load()


def together(
    tmp_path: Path, temporary: Path, results: Path, *commands: tuple[str, ...]
) -> list[Done]:
    """Run the commands at the same time with one results folder; how each ended."""
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(results)}
    with ExitStack() as stack:
        running = []
        for number, command in enumerate(commands):
            folder = tmp_path / str(number)
            folder.mkdir()
            whole = [sys.executable, "-m", "scripts", *command]
            running.append(stack.enter_context(started(whole, folder, **places)))
        return [each.end(limit_s=400) for each in running]


def assert_whole(results: Path, *sides: str) -> None:
    """Each side's run.json is one run, as documented, and nothing half-written lies about."""
    for side in sides:
        data = json.loads((results / side / "run.json").read_text("utf-8"))
        assert judge(Run.model_validate(data), DOCUMENTED.get(side), DOCUMENTED).as_documented
    assert list(results.rglob("*.tmp")) == []


@pytest.mark.fault("Four `make reproduce` at once in one checkout")
def test_four_at_once(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    results = tmp_path / "results"

    all_done = together(tmp_path, temporary, results, *[("reproduce",)] * 4)

    assert [done.code for done in all_done] == [0, 0, 0, 0]
    assert_whole(results, "broken")
    for done in all_done:
        assert "each as documented" in done.out
    seen(all_done[0], "Reproduced: 17 of 30 tests fail: 11 asyncpg, 6 motor, each as documented.")


@pytest.mark.fault("`make fix-3` beside `make all-fixes`")
def test_a_remedy_beside_all_of_them(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    results = tmp_path / "results"

    alone, every = together(tmp_path, temporary, results, ("fix", "3"), ("all-fixes",))

    assert (alone.code, every.code) == (0, 0), alone.output + every.output
    assert "Remedy 3 cures 8 of 17 failing tests" in alone.out
    assert_whole(results, *(side.id for side in DOCUMENTED.side))
    seen(every, "All as documented. Next: make compare")
