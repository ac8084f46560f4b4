"""The commands for those who work on this repository: checks, tests, soaks, pins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.maintain import checks

commands = typer.Typer()
Write = Annotated[bool, typer.Option("--write", help="draw the table in docs/faults.md anew")]


@commands.command()
def outcomes(
    side: Annotated[str, typer.Argument(help="broken, fix-03, trap-01 or all")] = "all",
    write: Annotated[bool, typer.Option("--write", help="write them into the manifests")] = False,
    inherited: Annotated[
        bool, typer.Option("--inherited", help="run nothing: list what is as on another side")
    ] = False,
) -> None:
    """Run sides and show where a manifest documents something else; --write accepts the runs."""
    from scripts.maintain import outcomes

    raise typer.Exit(outcomes.inherited(side) if inherited else outcomes.outcomes(side, write))


@commands.command()
def same(folders: Annotated[list[Path], typer.Argument(help="results folders")]) -> None:
    """Do these results folders say the same of every test? For CI's matrix of backends."""
    from scripts.maintain.same import same as command

    raise typer.Exit(command(folders))


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def soak(
    context: typer.Context,
    times: Annotated[int, typer.Option(min=1, help="how often")] = 20,
    at_once: Annotated[int, typer.Option(min=1, help="how many beside each other")] = 1,
) -> None:
    """Run a command (default: reproduce) many times and compare every outcome."""
    from scripts.maintain.soak import soak as command

    words = [word for argument in context.args for word in argument.split()]
    raise typer.Exit(command(words or ["reproduce"], times, at_once))


@commands.command()
def bench(times: Annotated[int, typer.Option(min=1, help="how often each")] = 3) -> None:
    """What containers cost a command beyond the embedded pair; needs Docker and the images."""
    from scripts.maintain.bench import bench as command

    raise typer.Exit(command(times))


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """The project's own tests; arguments go to pytest."""
    raise typer.Exit(checks.test(context.args))


@commands.command(
    name="test-long",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def test_long(context: typer.Context) -> None:
    """The tests that take minutes; arguments go to pytest."""
    raise typer.Exit(checks.test_long(context.args))


@commands.command(
    name="test-whichloop",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def test_whichloop(context: typer.Context) -> None:
    """whichloop's own tests and its zoo; arguments go to pytest."""
    raise typer.Exit(checks.test_whichloop(context.args))


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def faults(context: typer.Context, write: Write = False) -> None:
    """Break things on purpose, and hold what is printed to docs/faults.md."""
    raise typer.Exit(checks.faults(context.args, write))


@commands.command(
    name="test-foreign",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def test_foreign(context: typer.Context) -> None:
    """Other people's suites (anyio's, httpx's), with and without whichloop."""
    raise typer.Exit(checks.test_foreign(context.args))


@commands.command(
    name="bench-whichloop",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def bench_whichloop(context: typer.Context) -> None:
    """What whichloop costs in time and keeps in memory; arguments go to the benchmark."""
    raise typer.Exit(checks.bench_whichloop(context.args))


@commands.command(
    name="test-docker",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def docker_tests(context: typer.Context, write: Write = False) -> None:
    """The tests of BACKEND=testcontainers and compose; arguments go to pytest."""
    raise typer.Exit(checks.test_docker(context.args, write))


@commands.command()
def check() -> None:
    """Format, lint, types, then the tests: what CI runs."""
    raise typer.Exit(checks.check())


@commands.command(name="format")
def format_() -> None:
    """Put the code into the project's format."""
    raise typer.Exit(checks.format_code())


@commands.command()
def pins() -> None:
    """Compile requirements/*.in into the pinned, hashed *.txt, at today's newest versions."""
    raise typer.Exit(checks.pins())


@commands.command()
def audit() -> None:
    """Ask PyPI whether a pinned dependency has a known vulnerability."""
    from scripts.maintain.audit import audit as command

    raise typer.Exit(command())


@commands.command()
def readme() -> None:
    """Draw the tables of README.md anew from the manifests."""
    from scripts.views.readme import readme as command

    raise typer.Exit(command())


@commands.command()
def practices() -> None:
    """Draw docs/practices.md anew from the manifests and results/."""
    from scripts.views.practices import practices as command

    raise typer.Exit(command())
