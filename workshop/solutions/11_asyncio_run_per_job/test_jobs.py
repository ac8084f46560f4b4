"""Jobs as a scheduler runs them: one after the other, many, and on two loops that are both open."""

import asyncio

from jobs import run_job, total

GROUP = "postgres"


def test_first_job() -> None:
    assert run_job([1, 2]) == 3


def test_next_job() -> None:
    assert run_job([3, 4]) == 7


def test_many_jobs() -> None:
    assert [run_job([number, 1]) for number in range(8)] == list(range(1, 9))


def test_two_open_loops() -> None:
    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert first.run(total([1, 2])) == 3
        assert second.run(total([3, 4])) == 7
        assert first.run(total([5, 6])) == 11
