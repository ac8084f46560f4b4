"""The command line: `python -m scripts COMMAND`. Exit codes: 0 as documented, 1 not, 2 usage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Annotated

import typer

from scripts import develop, show
from scripts.errors import CommandError
from scripts.paths import ROOT

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reproduce and cure «attached to a different loop».",
)


def run() -> int:
    """Run the command of `sys.argv`; the exit code."""
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, stop)
    if os.environ.get("MAKELEVEL"):
        threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        app(standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        show.error("interrupted")
        return 130
    except CommandError as error:
        show.error(str(error), error.hint)
        return 2
    except Exception as error:
        # typer's own usage errors know how to show themselves; they are click's underneath.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            return int(error.exit_code)
        raise
    return 0


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
    script = ROOT / "scripts" / "minimal.py"
    show.say(script.read_text("utf-8").split('"""')[2].strip())
    show.say("")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().splitlines()
    if done.returncode == 0 or "attached to a different loop" not in said[-1]:
        show.error("the five lines did not raise the error", f"python {script}")
        raise typer.Exit(1)
    show.say(said[-1], "red")
    show.say("")
    show.say(
        "The future was made on loop A. The task that awaits it runs on loop B, and nobody would\n"
        "wake B when a future of A is done, so asyncio refuses. A database connection waits on\n"
        "futures of the loop it was opened on; a test suite runs its tests on several loops."
    )
    show.say("\nNext: make reproduce")


@app.command()
def reproduce() -> None:
    """Run the broken side on real servers and show both errors."""
    from scripts.reproduce import reproduce as command

    raise typer.Exit(command())


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535)] = 8000) -> None:
    """Serve the app with uvicorn on the chosen servers; /docs is there to try it."""
    from scripts.serve import serve as command

    raise typer.Exit(command(port))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def soak(
    context: typer.Context,
    times: Annotated[int, typer.Option(min=1, help="how often")] = 20,
    at_once: Annotated[int, typer.Option(min=1, help="how many beside each other")] = 1,
) -> None:
    """Run a command (default: reproduce) many times and compare every outcome."""
    from scripts.soak import soak as command

    raise typer.Exit(command(context.args or ["reproduce"], times, at_once))


@app.command()
def up() -> None:
    """Start the pair of docker-compose.yml and leave it running (BACKEND=compose uses it)."""
    from scripts.servers.compose import compose

    raise typer.Exit(compose("up", "-d", "--wait") and 2)


@app.command()
def down() -> None:
    """Stop the pair of `up` and forget its data."""
    from scripts.servers.compose import compose

    raise typer.Exit(compose("down", "--volumes") and 2)


@app.command()
def pull() -> None:
    """Fetch the two images, for BACKEND=testcontainers and compose."""
    from scripts.servers.compose import pull as command

    command()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """The project's own tests; arguments go to pytest."""
    raise typer.Exit(develop.test(context.args))


@app.command()
def check() -> None:
    """Format, lint, types, then the tests: what CI runs."""
    raise typer.Exit(develop.check())


@app.command(name="format")
def format_() -> None:
    """Put the code into the project's format."""
    raise typer.Exit(develop.format_code())


@app.command()
def pins() -> None:
    """Compile requirements/*.in into the pinned, hashed *.txt, at today's newest versions."""
    raise typer.Exit(develop.pins())
