"""Make `.venv` from the pinned, hashed requirements, once, and go on inside it.

Standard library only, and no syntax newer than Python 3.7: it runs before anything is installed,
on whatever Python the user typed, and finds a better one if that is too old or too new.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# The wheels of `make offline-unpack`: if they are there, nothing is fetched from anywhere.
OFFLINE = ROOT / ".offline"
# SecantusDB, the embedded stand-in for MongoDB, has wheels for these.
PREFERRED = ((3, 13), (3, 12), (3, 11))
PRINT_VERSION = "import sys; print(*sys.version_info[:2])"
# The commands that pass the user's arguments on to a tool.
TOOLS = (
    *("test", "test-long", "test-whichloop", "faults"),
    *("test-foreign", "bench-whichloop", "test-docker", "test-pages"),
)
# Those that need the linter and the type checker as well.
DEV_COMMANDS = ("audit", "check", "format", "pins", "soak", *TOOLS)


class SetupError(Exception):
    """The virtual environment could not be made; the text says what to do."""


def enter(argv: list[str]) -> None:
    """Return inside an up-to-date `.venv`, by replacing this process if need be.

    Raises SetupError if no Python fits or the installation fails.
    """
    kind = "dev" if argv and argv[0] in DEV_COMMANDS else "run"
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if argv[:1] == ["offline-unpack"] and not inside:
        take_wheels([argument for argument in argv[1:] if argument != "--"])
    if not up_to_date(kind):
        python = base_python()
        try:
            with locked():
                if not up_to_date(kind):  # another command may have made it while we waited
                    make(python, kind)
        except OSError as error:
            raise SetupError(f"cannot set up {VENV}: {error}") from None
        inside = False  # what is imported may have changed
    if not inside:
        command = [str(venv_python()), "-m", "scripts", *argv]
        if os.name == "nt":  # execv there returns to the shell before the command has ended
            sys.exit(subprocess.call(command))
        os.execv(command[0], command)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp(kind: str) -> Path:
    """The file that says what the installation of this kind was made from."""
    return VENV / (kind + ".stamp")


def fingerprint(kind: str) -> str:
    """What an installation of this kind was made from; it changes when it must be made again."""
    digest = hashlib.sha256(str(ROOT).encode("utf-8", "surrogateescape"))
    for name in (f"requirements/{kind}.txt", "pyproject.toml", "whichloop/pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def take_wheels(arguments: list[str]) -> None:
    """Copy the wheels of a pack to `OFFLINE`, whole. Raises SetupError if it is none."""
    if len(arguments) != 1 or not arguments[0]:
        raise SetupError("which pack? make offline-unpack DIR=…")
    folder = Path(arguments[0])
    if not pythons_of(folder) or not (folder / "wheels").is_dir():
        raise SetupError(f"{folder} is not a folder that make offline-pack wrote")
    new = OFFLINE.with_name(".offline.new")
    try:
        for old in (new, OFFLINE):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(folder / "wheels", new / "wheels")
        shutil.copy(folder / "pack.json", new)
        new.rename(OFFLINE)
    except OSError as error:
        raise SetupError(f"cannot copy {folder} to {OFFLINE}: {error}") from None


def pythons_of(pack: Path) -> tuple[tuple[int, ...], ...]:
    """The versions that a pack has wheels for; () if it is none."""
    try:
        about = json.loads((pack / "pack.json").read_text("utf-8"))
        return tuple(tuple(map(int, version.split("."))) for version in about["pythons"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def up_to_date(kind: str) -> bool:
    """Is `.venv` whole and made from today's requirements? A dev one serves for running too."""
    if not venv_python().exists():
        return False
    for made in ("run", "dev") if kind == "run" else ("dev",):
        with contextlib.suppress(OSError):
            if stamp(made).read_text("utf-8") == fingerprint(made):
                return True
    return False


def base_python() -> str:
    """A Python to build on: this one if it is preferred, else a preferred one from PATH.

    A newer one than those is taken if there is no other: then only the MongoDB half is missing.
    """
    this = getattr(sys, "_base_executable", None) or sys.executable
    packed = pythons_of(OFFLINE)
    preferred = tuple(sorted(packed, reverse=True)) or PREFERRED
    if sys.version_info[:2] in preferred:
        return this
    for version in preferred:
        python = shutil.which("python{}.{}".format(*version))
        # It may be a shim of pyenv's for a version that is not there.
        if python and output([python, "-c", PRINT_VERSION]) == "{} {}".format(*version):
            return python
    if packed:
        versions = ", ".join("{}.{}".format(*version) for version in packed)
        raise SetupError(
            f"the offline pack in {OFFLINE} has wheels for Python {versions} only.\n"
            "Install that, or pack for another with PYTHONS=…, or remove the folder."
        )
    if sys.version_info[:2] > PREFERRED[0]:
        return this
    raise SetupError(
        "Python {}.{} is too old: this needs 3.11, 3.12 or 3.13, and none is on PATH.\n"
        "Install one of them, then run the command again.".format(*sys.version_info[:2])
    )


def output(command: list[str], limit_s: float | None = None) -> str:
    """What a program says of itself; "" if it does not run: it may be a launcher of nothing."""
    try:
        result = subprocess.run(command, capture_output=True, timeout=limit_s)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode("utf-8", "replace").strip() if result.returncode == 0 else ""


def make(python: str, kind: str) -> None:
    """Build `.venv`, or bring it up to date. The stamp is written last: half a job is none."""
    installer = "uv" if output(["uv", "--version"]) else "pip"
    told = f"Setting up .venv with {installer} (only when the requirements change) …"
    print(told, file=sys.stderr, flush=True)  # stdout is the command's
    stamps = [stamp("run"), stamp("dev")]
    if VENV.exists() and not (venv_python().exists() and any(map(Path.exists, stamps))):
        shutil.rmtree(VENV, ignore_errors=True)
    for path in stamps:
        with contextlib.suppress(OSError):
            path.unlink()
    requirements = str(ROOT / "requirements" / (kind + ".txt"))
    # Hashes and an editable project cannot go into one call: pip refuses it.
    project = ["--no-deps", "--no-build-isolation", "-e", str(ROOT), "-e", str(ROOT / "whichloop")]
    if installer == "uv":
        if not VENV.exists():
            call(["uv", "venv", "--quiet", "--python", python, str(VENV)])
        install = ["uv", "pip", "install", "--quiet", "--compile-bytecode"]
        install += ["--python", str(venv_python())]
    else:
        call([python, "-m", "venv", str(VENV)])  # also gives pip to one that uv made without
        install = [str(venv_python()), "-m", "pip", "install", "--quiet"]
        install += ["--disable-pip-version-check", "--no-input"]
    if OFFLINE.exists():
        install += ["--no-index", "--find-links", str(OFFLINE / "wheels")]
    call([*install, "--require-hashes", "-r", requirements])
    call([*install, *project])
    stamp(kind).write_text(fingerprint(kind), "utf-8")


def call(command: list[str]) -> None:
    """Run a step of the set-up, in silence unless it fails."""
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise SetupError(f"{command[0]}: {error}") from None
    if out.returncode != 0:
        end = "\n".join(out.stdout.decode("utf-8", "replace").strip().splitlines()[-12:])
        raise SetupError(
            "setting up .venv failed at: {}\n{}\n"
            "If the network was the reason, run the command again.".format(" ".join(command), end)
        )


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Let one command at a time set up this checkout."""
    with open(ROOT / ".venv.lock", "w") as handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
