"""What the commands run sides on: the chosen servers, and the run of broken/ to compare with."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from scripts.errors import CommandError, ServerGone
from scripts.paths import ROOT
from scripts.run import results
from scripts.run.model import Circumstances, Run
from scripts.run.side import circumstances, end_all, run_side
from scripts.servers.choose import choose
from scripts.servers.client import running
from scripts.servers.model import Servers
from scripts.sides import diffs
from scripts.sides.manifest import Manifest, Side
from scripts.verdict.grade import why_invalid
from scripts.views import terminal
from scripts.views.run import print_invalid, print_servers

RunSide = Callable[[Side, Callable[[str], None]], Run]


@dataclass(frozen=True)
class Batch:
    """The runs by side, the seconds each took by itself, and how many ran at once at most."""

    runs: dict[str, Run]
    seconds: dict[str, float]
    workers: int


@dataclass(frozen=True)
class Session:
    """The servers of a command; `run_side` runs a side on them, and passes pytest's lines on."""

    servers: Servers
    run_side: RunSide

    def run(self, side: Side, tests: int) -> Run:
        """Run a side with its progress shown, by the tests that have ended."""
        with terminal.progress(f"Running pytest {side.folder}", tests) as advance:

            def on_line(line: str) -> None:
                if "::" in line and line.rstrip().endswith("%]"):
                    advance()

            return self.run_side(side, on_line)

    def run_all(self, sides: Sequence[Side], workers: int | None = None) -> Batch:
        """Run sides beside each other, `workers` at once (default: the cores), those that must be
        alone last, with a line for each that has ended.

        After Ctrl-C what has finished stays in `results/`, and what has not is ended. Raises
        ServerGone if a server stops answering: no further side is begun then.
        """
        batch = Batch({}, {}, workers or min(len(sides), os.cpu_count() or 1))
        gone: list[str] = []

        def run_one(side: Side) -> None:
            if gone:
                return
            started = time.monotonic()
            run = self.run_side(side, lambda line: None)
            if run.server_gone:
                gone.append(run.stopped)
                return
            seconds = time.monotonic() - started
            batch.runs[side.id], batch.seconds[side.id] = run, seconds
            advance()
            terminal.errors.print(f"  {side.id}  {seconds:5.1f} s  {side.folder}")

        progress = terminal.progress("Running every side", len(sides))
        with progress as advance, ThreadPoolExecutor(batch.workers) as pool:
            try:
                together = [pool.submit(run_one, side) for side in sides if not side.alone]
                for future in as_completed(together):
                    future.result()
                for side in sides:
                    if side.alone:
                        pool.submit(run_one, side).result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                end_all()
                raise
        if gone:
            raise ServerGone(
                f"{gone[0]}\n{len(batch.runs)} of {len(sides)} sides had finished;"
                " their results are kept",
                hint="the same command again",
            )
        return batch

    def broken(self, documented: Manifest) -> Run:
        """The last run of broken/, if it is a result and was made under the same circumstances;
        else a new one."""
        last = results.read_run("broken", terminal.status)
        if (
            last
            and not why_invalid(last, documented)  # a killed run, say, in which no test failed
            and same_circumstances(last, circumstances(self.servers))
            and results.written("broken") > newest_source()
        ):
            return last
        return self.run(documented.get("broken"), len(documented.nodeids))


def same_circumstances(run: Circumstances, other: Circumstances) -> bool:
    """May the results of two runs be compared?"""
    return (run.place, run.servers, run.versions) == (other.place, other.servers, other.versions)


# What a command opens its session with; a test has one without servers.
OpenSession = Callable[[Sequence[Side]], AbstractContextManager[Session]]


@contextmanager
def on_chosen_servers(sides: Sequence[Side] = ()) -> Iterator[Session]:
    """A session for these sides on the servers that BACKEND chooses. Raises ServerError if they do
    not start."""
    choice = choose(exhausting=any(side.alone for side in sides))
    terminal.status(str(choice))
    with running(choice.backend, pair=choice.pair) as guardian:
        print_servers(guardian.servers)
        yield Session(guardian.servers, partial(run_side, guardian=guardian))


def check_folders(sides: Sequence[Side]) -> None:
    """Raise CommandError if a side's folder is not what the manifest says of it, or its results
    cannot be written: before any server starts.

    What an edited folder does may be as documented all the same: it is another remedy then.
    """
    for side in sides:
        if not (ROOT / side.folder).is_dir():
            raise CommandError(f"{side.folder} is not there")
        unexpected = diffs.unexpected(side)
        if unexpected:
            may = " and ".join(side.changes) or "its caption"
            raise CommandError(
                f"{side.folder} is not as its remedy.toml says:"
                f" only {may} may differ from broken/.\n"
                + "\n".join(f"  {side.folder}/{sentence}" for sentence in unexpected),
                hint=f"git status broken {side.folder}; as it is: .venv/bin/pytest {side.folder}",
            )
        results.folder(side.id)


def is_baseline(broken: Run, documented: Manifest) -> bool:
    """Is the run of broken/ a result? If not, say so: nothing can be graded against it."""
    invalid = why_invalid(broken, documented)
    if invalid:
        terminal.prose("The broken side: INVALID. Without it no remedy can be graded.", "bold")
        print_invalid(invalid, "broken")
        terminal.line("Next: make reproduce")
    return not invalid


def newest_source() -> float:
    """When the last file that the broken side runs was changed."""
    files = (
        path for name in ("broken", "suite", "shared_app") for path in (ROOT / name).rglob("*")
    )
    return max(path.stat().st_mtime for path in files if path.suffix in (".py", ".ini"))
