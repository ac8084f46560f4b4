"""The command line: `python -m scripts COMMAND`. Exit codes: 0 as documented, 1 not, 2 usage."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from scripts.errors import CommandError
from scripts.maintain import cli as maintain_cli
from scripts.paths import ROOT
from scripts.views import terminal

INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reproduce and cure «attached to a different loop».",
)
app.add_typer(maintain_cli.commands)


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
        # typer's own usage errors know how to show themselves; they are click's underneath.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            return int(error.exit_code)
        raise
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


@app.command()
def minimal() -> None:
    """The error in five lines of Python: no pytest, no driver, no server."""
    script = ROOT / "scripts" / "commands" / "minimal.py"
    terminal.say(script.read_text("utf-8").split('"""')[2].strip())
    terminal.say("")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().splitlines()
    if done.returncode == 0 or "attached to a different loop" not in said[-1]:
        terminal.error("the five lines did not raise the error", f"python {script}")
        raise typer.Exit(1)
    terminal.say(said[-1], "red")
    terminal.say("")
    terminal.say(
        "The future was made on loop A. The task that awaits it runs on loop B, and nobody would\n"
        "wake B when a future of A is done, so asyncio refuses. A database connection waits on\n"
        "futures of the loop it was opened on; a test suite runs its tests on several loops."
    )
    terminal.say("\nNext: make reproduce")


@app.command()
def reproduce() -> None:
    """Run the broken side on real servers and show both errors."""
    from scripts.commands.reproduce import reproduce as command

    raise typer.Exit(command())


Number = Annotated[str, typer.Argument(help="its number", show_default=False)]


@app.command()
def fix(
    number: Annotated[str, typer.Argument(help="default: the recommended one")] = "",
) -> None:
    """Run a remedy: its diff, which tests it cures, what it costs, when to choose it."""
    from scripts.commands.fix import fix as command

    raise typer.Exit(command("fix", number))


@app.command()
def trap(number: Number) -> None:
    """Run a popular answer that does not work, in the same way."""
    from scripts.commands.fix import fix as command

    raise typer.Exit(command("trap", number))


@app.command()
def tour() -> None:
    """The short story: the remedies worth stepping through, with a pause between."""
    from scripts.commands.fix import tour as command

    raise typer.Exit(command())


@app.command(name="all-fixes")
def all_fixes(
    shuffle: Annotated[bool, typer.Option("--shuffle", help="in a random order")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="one side at a time")] = False,
) -> None:
    """Run every side, as many at once as there are cores."""
    from scripts.commands.fix import all_fixes as command

    raise typer.Exit(command(shuffle, alone))


@app.command()
def compare(
    as_json: Annotated[bool, typer.Option("--json", help="every grade, as JSON")] = False,
) -> None:
    """The matrix of all results, and which remedy to use; only reads results/."""
    from scripts.views.compare import compare as command

    raise typer.Exit(command(as_json))


@app.command()
def diff(
    number: Number,
    trap: Annotated[bool, typer.Option("--trap", help="a trap's, not a remedy's")] = False,
) -> None:
    """Only the diff between broken/ and a remedy."""
    from scripts.sides import diffs, manifest
    from scripts.views import remedy

    side = manifest.load().numbered("trap" if trap else "fix", number)
    remedy.diff(diffs.unified(side))


@app.command()
def fixes() -> None:
    """The remedies and their documented verdicts."""
    from scripts.views.compare import listing

    listing("fix")


@app.command()
def traps() -> None:
    """The popular answers that do not work, and their documented verdicts."""
    from scripts.views.compare import listing

    listing("trap")


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535)] = 8000) -> None:
    """Serve the app with uvicorn on the chosen servers; /docs is there to try it."""
    from scripts.commands.serve import serve as command

    raise typer.Exit(command(port))


@app.command()
def doctor() -> None:
    """What this machine has for the commands, a line each: fine, or what to do."""
    from scripts.maintain.doctor import doctor as command

    raise typer.Exit(command())


@app.command()
def up() -> None:
    """Start the pair of docker-compose.yml and leave it running (BACKEND=compose uses it)."""
    from scripts.servers.compose_pair import up as command

    raise typer.Exit(command())


@app.command()
def down() -> None:
    """Stop the pair of `up` and forget its data."""
    from scripts.servers.compose import compose

    raise typer.Exit(compose("down", "--volumes", "--timeout", "0"))


@app.command()
def logs() -> None:
    """What the pair of `up` has written."""
    from scripts.servers.compose import compose

    raise typer.Exit(compose("logs"))


@app.command()
def ps() -> None:
    """The pair of `up`: does it run, and on which ports."""
    from scripts.servers.compose import compose

    raise typer.Exit(compose("ps"))


@app.command()
def pull() -> None:
    """Fetch the two images, for BACKEND=testcontainers and compose."""
    from scripts.servers.fetch import pull as command

    command()


@app.command(name="offline-pack")
def offline_pack(
    folder: Annotated[Path, typer.Argument(help="where to write it")] = Path("offline-pack"),
    platform: Annotated[str, typer.Option(help="for another kind of machine than this")] = "",
    pythons: Annotated[str, typer.Option(help='"3.12 3.13"; default: this one\'s')] = "",
) -> None:
    """Write one folder with everything for a machine without a network: wheels, and images."""
    from scripts.maintain.offline import pack

    raise typer.Exit(pack(folder, platform, pythons.split()))


@app.command(name="offline-unpack")
def offline_unpack(folder: Annotated[Path, typer.Argument(help="the pack")]) -> None:
    """Set this checkout up from a pack: no network is needed, now or later."""
    from scripts.maintain.offline import unpack

    raise typer.Exit(unpack(folder))
