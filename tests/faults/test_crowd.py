"""Commands beside each other in one checkout: each is right, each file is whole."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.sides import manifest
from tests.support.commands import SCRIPTS, Done, started
from tests.support.runs import judgement_of


def together(tmp_path: Path, places: dict[str, str], *commands: tuple[str, ...]) -> list[Done]:
    """Run the commands at the same time with one results folder; how each ended."""
    with ExitStack() as stack:
        running = []
        for number, command in enumerate(commands):
            folder = tmp_path / str(number)
            folder.mkdir()
            running.append(stack.enter_context(started([*SCRIPTS, *command], folder, **places)))
        return [command.end() for command in running]


def assert_whole(results: Path, *sides: str) -> None:
    """Each side's run.json is one run, as documented, and nothing half-written lies about."""
    for side in sides:
        assert judgement_of(results, side).as_documented
    assert list(results.rglob("*.tmp")) == []


@pytest.mark.fault("Four `make reproduce` at once in one checkout")
def test_four_at_once(places, tmp_path, seen):
    all_done = together(tmp_path, places, *[("reproduce",)] * 4)

    assert [done.code for done in all_done] == [0, 0, 0, 0]
    assert_whole(tmp_path / "results", "broken")
    for done in all_done:
        assert "each as documented" in done.out
    seen(all_done[0], "Reproduced: 17 of 30 tests fail: 11 asyncpg, 6 motor, each as documented.")


@pytest.mark.fault("`make fix-3` beside `make tour`")
def test_a_remedy_beside_others(places, tmp_path, seen):
    alone, tour = together(tmp_path, places, ("fix", "3"), ("tour",))

    assert (alone.code, tour.code) == (0, 0), alone.output + tour.output
    assert "Remedy 3 cures 8 of 17 failing tests" in alone.out
    assert_whole(tmp_path / "results", "broken", *manifest.load().tour)
    seen(tour, "Next: make all-fixes && make compare")
