"""Run many sides beside each other on one set of servers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scripts.errors import ServerGone
from scripts.run.model import Run
from scripts.run.side import end_all, run_side
from scripts.servers.client import Guardian
from scripts.sides.manifest import Side
from scripts.views import terminal


@dataclass(frozen=True)
class Batch:
    """The runs by side, the seconds each took by itself, and how many ran at once at most."""

    runs: dict[str, Run]
    seconds: dict[str, float]
    workers: int


def run_batch(sides: list[Side], guardian: Guardian, workers: int | None = None) -> Batch:
    """Run the sides, `workers` at once (default: the cores), those that must be alone last.

    After Ctrl-C what has finished stays in `results/`, and what has not is ended. Raises ServerGone
    if a server stops answering: no further side is begun then.
    """
    workers = workers or min(len(sides), os.cpu_count() or 1)
    runs: dict[str, Run] = {}
    seconds: dict[str, float] = {}
    together = [side for side in sides if not side.alone]
    alone = [side for side in sides if side.alone]
    gone = ""

    def timed(side: Side) -> Run:
        started = time.monotonic()
        run = run_side(side, guardian, lambda line: None)
        seconds[side.id] = time.monotonic() - started
        if not run.server_gone:
            runs[side.id] = run  # here, so that none is missing that ends beside a Ctrl-C
        return run

    with display(len(sides)) as done, ThreadPoolExecutor(workers) as pool:
        try:
            for group, width in ((together, workers), (alone, 1)):
                waiting = list(group)
                under_way: dict[Future[Run], Side] = {}
                while waiting or under_way:
                    while waiting and len(under_way) < width:
                        side = waiting.pop(0)
                        under_way[pool.submit(timed, side)] = side
                    finished, _ = wait(under_way, return_when=FIRST_COMPLETED, timeout=0.5)
                    for future in finished:
                        side = under_way.pop(future)
                        run = future.result()
                        if run.server_gone:
                            gone = run.stopped
                            waiting.clear()  # those under way find out by themselves
                            continue
                        done(side, seconds[side.id])
                if gone:
                    break
        except BaseException:
            end_all()
            raise
    if gone:
        raise ServerGone(
            f"{gone}\n{len(runs)} of {len(sides)} sides had finished; their results are kept",
            hint="the same command again",
        )
    return Batch(runs, seconds, workers)


class display:
    """A bar over the sides on a terminal; a line a side when piped."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=terminal.errors, transient=True)
        self._task = self._bar.add_task("Running every side", total=total)

    def __enter__(self) -> Callable[[Side, float], None]:
        if terminal.errors.is_terminal:
            self._bar.start()
        return self._done

    def _done(self, side: Side, seconds: float) -> None:
        self._bar.advance(self._task)
        self._bar.console.print(f"  {side.id}  {seconds:5.1f} s  {side.folder}")

    def __exit__(self, *_: object) -> None:
        if terminal.errors.is_terminal:
            self._bar.stop()
