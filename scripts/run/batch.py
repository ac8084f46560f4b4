"""Run many sides beside each other on one set of servers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from scripts.errors import ServerGone
from scripts.run.model import Run
from scripts.run.side import end_all
from scripts.sides.manifest import Side

RunSide = Callable[[Side, Callable[[str], None]], Run]


@dataclass(frozen=True)
class Batch:
    """The runs by side, the seconds each took by itself, and how many ran at once at most."""

    runs: dict[str, Run]
    seconds: dict[str, float]
    workers: int


def run_batch(
    sides: Sequence[Side],
    run_side: RunSide,
    on_end: Callable[[Side, float], None],
    workers: int | None = None,
) -> Batch:
    """Run the sides, `workers` at once (default: the cores), those that must be alone last.

    `on_end` gets each side that has ended, with its seconds. After Ctrl-C what has finished stays
    in `results/`, and what has not is ended. Raises ServerGone if a server stops answering: no
    further side is begun then.
    """
    batch = Batch({}, {}, workers or min(len(sides), os.cpu_count() or 1))
    together = [side for side in sides if not side.alone]
    alone = [side for side in sides if side.alone]

    def timed(side: Side) -> Run:
        started = time.monotonic()
        run = run_side(side, lambda line: None)
        batch.seconds[side.id] = time.monotonic() - started
        return run

    gone = ""
    with ThreadPoolExecutor(batch.workers) as pool:
        try:
            for group, width in ((together, batch.workers), (alone, 1)):
                waiting = [] if gone else list(group)
                under_way: dict[Future[Run], Side] = {}
                while waiting or under_way:
                    while waiting and len(under_way) < width:
                        side = waiting.pop(0)
                        under_way[pool.submit(timed, side)] = side
                    finished, _ = wait(under_way, return_when=FIRST_COMPLETED, timeout=0.5)
                    for future in finished:
                        side, run = under_way.pop(future), future.result()
                        if run.server_gone:
                            gone = run.stopped
                            waiting.clear()  # those under way find out by themselves
                        else:
                            batch.runs[side.id] = run
                            on_end(side, batch.seconds[side.id])
        except BaseException:
            end_all()
            raise
    if gone:
        raise ServerGone(
            f"{gone}\n{len(batch.runs)} of {len(sides)} sides had finished; their results are kept",
            hint="the same command again",
        )
    return batch
