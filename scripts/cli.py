"""The command line: `python -m scripts COMMAND`. Exit codes: 0 as documented, 1 not, 2 usage."""

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from scripts.bootstrap import TOOLS
from scripts.errors import CommandError
from scripts.views import terminal

INTERRUPTED = 130
PASSES_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
NUMBER = typer.Argument(help="its number", show_default=False)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reproduce and cure «attached to a different loop».",
)


def run() -> int:
    """Run the command of `sys.argv`; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a "·" for an ASCII terminal becomes a "?"
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, stop)
    if os.environ.get("MAKELEVEL"):
        threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        # What a command raises as typer.Exit comes back as a value here.
        code = int(app(standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except CommandError as error:
        terminal.error(str(error), error.hint)
        return error.exit_code
    except Exception as error:
        if not hasattr(error, "show"):
            raise
        error.show()  # typer's own usage errors; they are click's underneath
        return int(getattr(error, "exit_code", 2))
    if code == INTERRUPTED:  # typer's word for Ctrl-C is this value, or typer.Abort
        terminal.error("interrupted; what was finished is kept, the servers are stopped")
    return code


def stop(number: int, frame: FrameType | None) -> None:
    """End as after Ctrl-C: every `finally` runs, so servers stop and files stay whole."""
    raise SystemExit(128 + number)


def end_with_parent(parent: int) -> None:
    """Under make: end when make does, even if it was killed."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)


def call(target: str, *arguments: object) -> None:
    """Call "module:function" and exit with what it returns."""
    module, _, function = target.partition(":")
    # What all commands import takes 0.6 s; --help needs none of it, a diff a tenth.
    code = getattr(import_module(module), function)(*arguments)
    raise typer.Exit(code or 0)


def fix(number: Annotated[str, typer.Argument(help="default: the recommended one")] = "") -> None:
    """Run a remedy: its diff, which tests it cures, what it costs, when to choose it."""
    call("scripts.commands.sides:fix", "fix", number)


def trap(number: Annotated[str, NUMBER]) -> None:
    """Run a popular answer that does not work, in the same way."""
    call("scripts.commands.sides:fix", "trap", number)


def all_fixes(
    shuffle: Annotated[bool, typer.Option("--shuffle", help="in a random order")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="one side at a time")] = False,
) -> None:
    """Run every side, as many at once as there are cores."""
    call("scripts.commands.sides:all_fixes", shuffle, alone)


def compare(
    as_json: Annotated[bool, typer.Option("--json", help="every grade, as JSON")] = False,
) -> None:
    """The matrix of all results, and which remedy to use; only reads results/."""
    call("scripts.views.compare:compare", as_json)


def report(
    sample: Annotated[bool, typer.Option("--sample", help="check the page in docs/")] = False,
    write: Annotated[bool, typer.Option("--write", help="draw that page")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="and its data from results/")] = False,
) -> None:
    """One page of the last runs, results/report.html; only reads results/."""
    call("scripts.views.report:report", sample, write, anew)


def diff(
    number: Annotated[str, NUMBER],
    trap: Annotated[bool, typer.Option("--trap", help="a trap's, not a remedy's")] = False,
) -> None:
    """Only the diff between broken/ and a remedy."""
    call("scripts.views.diff:show_diff", "trap" if trap else "fix", number)


def serve(port: Annotated[int, typer.Option(min=1, max=65535)] = 8000) -> None:
    """Serve the app with uvicorn on the chosen servers; /docs is there to try it."""
    call("scripts.commands.serve:serve", port)


def offline_pack(
    folder: Annotated[Path, typer.Argument(help="where to write it")] = Path("offline-pack"),
    platform: Annotated[str, typer.Option(help="for another kind of machine than this")] = "",
    pythons: Annotated[str, typer.Option(help='"3.12 3.13"; default: this one\'s')] = "",
) -> None:
    """Write one folder with everything for a machine without a network: wheels, and images."""
    call("scripts.maintain.offline:pack", folder, platform, pythons.split())


def offline_unpack(folder: Annotated[Path, typer.Argument(help="the pack")]) -> None:
    """Set this checkout up from a pack: no network is needed, now or later."""
    call("scripts.maintain.offline:unpack", folder)


def outcomes(
    side: Annotated[str, typer.Argument(help="broken, fix-03, trap-01 or all")] = "all",
    write: Annotated[bool, typer.Option("--write", help="write them into the manifests")] = False,
    inherited: Annotated[
        bool, typer.Option("--inherited", help="run nothing: list what is as on another side")
    ] = False,
) -> None:
    """Run sides and show where a manifest documents something else; --write accepts the runs."""
    if inherited:
        call("scripts.maintain.outcomes:inherited", side)
    call("scripts.maintain.outcomes:outcomes", side, write)


def same(folders: Annotated[list[Path], typer.Argument(help="results folders")]) -> None:
    """Do these results folders say the same of every test? For CI's matrix of backends."""
    call("scripts.maintain.soak:same", folders)


def soak(
    context: typer.Context,
    times: Annotated[int, typer.Option(min=1, help="how often")] = 20,
    at_once: Annotated[int, typer.Option(min=1, help="how many beside each other")] = 1,
) -> None:
    """Run a command (default: reproduce) many times and compare every outcome."""
    words = [word for argument in context.args for word in argument.split()]
    call("scripts.maintain.soak:soak", words or ["reproduce"], times, at_once)


def bench(times: Annotated[int, typer.Option(min=1, help="how often each")] = 3) -> None:
    """What containers cost a command beyond the embedded pair; needs Docker and the images."""
    call("scripts.maintain.bench:bench", times)


def workshop(
    words: Annotated[list[str] | None, typer.Argument(help="check, hint, list, …")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="the short track")] = False,
    manual: Annotated[bool, typer.Option("--manual", help="check by hand, not on saving")] = False,
) -> None:
    """Learn it by exercises that are checked as you save: hint, list, next, goto N, why, …"""
    call("scripts.workshop.session:command", words or [], fast, manual)


def check_workshop(
    numbers: Annotated[list[str] | None, typer.Argument(help="default: all")] = None,
) -> None:
    """Check the workshop itself: each exercise unsolved, solved, and solved wrongly."""
    call("scripts.maintain.workshop:check_workshop", numbers or [])


# Every command, in the order of --help: a function above, or what it calls, with these arguments.
COMMANDS: dict[str, Callable[..., None] | str] = {
    "minimal": "scripts.commands.minimal:minimal",
    "reproduce": "scripts.commands.sides:reproduce",
    "fix": fix,
    "trap": trap,
    "tour": "scripts.commands.sides:tour",
    "all-fixes": all_fixes,
    "compare": compare,
    "report": report,
    "diff": diff,
    "fixes": "scripts.views.compare:listing fix",
    "traps": "scripts.views.compare:listing trap",
    "workshop": workshop,
    "serve": serve,
    "doctor": "scripts.maintain.doctor:doctor",
    "up": "scripts.commands.up:up",
    "down": "scripts.commands.up:down",
    "logs": "scripts.commands.up:logs",
    "ps": "scripts.commands.up:ps",
    "pull": "scripts.servers.fetch:pull",
    "offline-pack": offline_pack,
    "offline-unpack": offline_unpack,
    "outcomes": outcomes,
    "same": same,
    "soak": soak,
    "bench": bench,
    **{name: f"scripts.maintain.checks:run_tool {name}" for name in TOOLS},
    "check": "scripts.maintain.checks:check",
    "format": "scripts.maintain.checks:format_code",
    "pins": "scripts.maintain.checks:pins",
    "audit": "scripts.maintain.checks:audit",
    "check-workshop": check_workshop,
    "readme": "scripts.views.documents:readme",
    "practices": "scripts.views.documents:practices",
    "foreseen": "scripts.views.documents:foreseen",
}
HELP = {
    "minimal": "The error in five lines of Python: no pytest, no driver, no server.",
    "reproduce": "Run the broken side on real servers and show both errors.",
    "tour": "The short story: the remedies worth stepping through, with a pause between.",
    "fixes": "The remedies and their documented verdicts.",
    "traps": "The popular answers that do not work, and their documented verdicts.",
    "doctor": "What this machine has for the commands, a line each: fine, or what to do.",
    "up": "Start a pair of servers and leave it running, for later commands: with Docker or not.",
    "down": "Stop the pair of `up` and forget its data.",
    "logs": "What the pair of `up` has written.",
    "ps": "The pair of `up`: does it run, since when, and where.",
    "pull": "Fetch the two images, for BACKEND=testcontainers and compose.",
    "test": "The project's own tests; arguments go to pytest.",
    "test-long": "The tests that take minutes; arguments go to pytest.",
    "test-whichloop": "whichloop's own tests and its zoo; arguments go to pytest.",
    "faults": "Break things on purpose, and hold what is printed to docs/faults.md, or --write it.",
    "test-foreign": "Other people's suites, with and without whichloop (--only NAME).",
    "bench-whichloop": "What whichloop costs in time and keeps in memory; arguments go to it.",
    "test-docker": "The tests of BACKEND=testcontainers and compose; --write as in faults.",
    "test-pages": "The drawn pages in a browser, Chromium; arguments go to pytest.",
    "check": "Format, lint, types, then the tests: what CI runs.",
    "format": "Put the code into the project's format.",
    "pins": "Compile requirements/*.in into the pinned, hashed *.txt, at today's newest versions.",
    "audit": "Ask PyPI whether a pinned dependency has a known vulnerability.",
    "readme": "Draw the tables of README.md anew from the manifests.",
    "practices": "Draw docs/practices.md anew from the manifests and results/.",
    "foreseen": "Draw docs/foreseen.md anew from the zoo's expectations.",
}


def calling(target: str, arguments_go_on: bool) -> Callable[[typer.Context], None]:
    """The command that calls `target`, "module:function argument …"."""

    def command(context: typer.Context) -> None:
        call(*target.split(), *([context.args] if arguments_go_on else []))

    return command


for name, command in COMMANDS.items():
    if isinstance(command, str):
        command = calling(command, name in TOOLS)
    settings = PASSES_ARGUMENTS_ON if name in (*TOOLS, "soak") else None
    app.command(name, help=HELP.get(name), context_settings=settings)(command)
