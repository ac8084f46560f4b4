"""`make offline-pack` and `make offline-unpack`: everything for a machine without a network.

A pack is a folder: `wheels/`, for one platform and some Pythons; `images/*.tar`, if a Docker engine
had the images; `pack.json`, which says for what. Unpacking copies the wheels to `.offline/` of the
checkout before anything is installed (`bootstrap.py` does that, and installs from there from then
on); here, inside `.venv`, it gives the images to Docker.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from scripts.bootstrap import PREFERRED, output
from scripts.errors import CommandError
from scripts.paths import ROOT
from scripts.servers import engine
from scripts.servers.engine import images
from scripts.views import terminal

# The longest that an engine may be silent while it reads or writes an image.
SILENCE_LIMIT_S = 300


class Platform(NamedTuple):
    """A kind of machine: how requirements' markers see it, and the tags of its wheels.

    The tags begin with the oldest, so that of two wheels the one that fits more machines is taken.
    """

    sys_platform: str
    system: str
    machine: str
    tags: tuple[str, ...]

    def markers(self, python: str) -> dict[str, str]:
        """What a requirement's marker is evaluated with, where it is not as on this machine."""
        return {
            "os_name": "nt" if self.sys_platform == "win32" else "posix",
            "sys_platform": self.sys_platform,
            "platform_system": self.system,
            "platform_machine": self.machine,
            "python_version": python,
            "python_full_version": f"{python}.0",
        }


def linux(machine: str) -> Platform:
    """Linux with glibc; three of its tags have an older name, by which some wheels still go."""
    older = {5: ["manylinux1"], 12: ["manylinux2010"], 17: ["manylinux2014"]}
    tags = [
        tag for minor in range(5, 40) for tag in (*older.get(minor, ()), f"manylinux_2_{minor}")
    ]
    return Platform("linux", "Linux", machine, tuple(f"{tag}_{machine}" for tag in tags))


def macos(machine: str) -> Platform:
    """macOS 11 or newer."""
    tags = (f"macosx_{major}_0_{machine}" for major in range(11, 16))
    return Platform("darwin", "Darwin", machine, tuple(tags))


PLATFORMS = {
    "linux-x86_64": linux("x86_64"),
    "linux-aarch64": linux("aarch64"),
    "macos-arm64": macos("arm64"),
    "macos-x86_64": macos("x86_64"),
    "windows-x86_64": Platform("win32", "Windows", "AMD64", ("win_amd64",)),
}


def pack(folder: Path, name: str, pythons: list[str]) -> int:
    """Write the pack for a platform (default: this one) and some Pythons (default: this one)."""
    name = name or here()
    known = ["{}.{}".format(*version) for version in PREFERRED]
    pythons = pythons or ["{}.{}".format(*sys.version_info)]
    if name not in PLATFORMS:
        raise CommandError(
            f"{name!r} is not a platform; it is one of {', '.join(PLATFORMS)}",
            hint="make offline-pack PLATFORM=macos-arm64",
        )
    if not set(pythons) <= set(known):
        raise CommandError(
            f"PYTHONS={' '.join(pythons)!r} is not some of {', '.join(known)}",
            hint='make offline-pack PYTHONS="3.12 3.13"',
        )
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    for python in pythons:
        terminal.line(f"wheels for {name}, Python {python} …")
        download(folder / "wheels", PLATFORMS[name], python)
    saved = save_images(folder / "images")
    about = {"schema_version": 1, "platform": name, "pythons": pythons, "images": saved}
    (folder / "pack.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    terminal.line(
        f"{folder}: {size / 10**6:.0f} MB. Carry it to the other machine, and there, in a"
    )
    terminal.line("checkout of this project: make offline-unpack DIR=that-folder")
    return 0


def here() -> str:
    """The name of this machine's platform; for an unknown one, its own words."""
    system, machine = platform.system(), platform.machine()
    names = (
        name
        for name, known in PLATFORMS.items()
        if (known.system, known.machine) == (system, machine)
    )
    return next(names, f"{system}-{machine}")


def download(wheels: Path, target: Platform, python: str) -> None:
    """Every pinned wheel of the target, by pip, which checks the hashes."""
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("run", "dev", "versions/pytest-asyncio-0.26"):  # the last: the workshop's
            pins = Path(scratch) / f"{Path(kind).name}.txt"
            text = (ROOT / "requirements" / f"{kind}.txt").read_text("utf-8")
            pins.write_text("\n".join(wanted(text, target.markers(python))) + "\n", "utf-8")
            call = [*pip(), "download", "--quiet", "--disable-pip-version-check", "--no-input"]
            call += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
            call += ["--implementation", "cp", "--python-version", python]
            call += [word for tag in target.tags for word in ("--platform", tag)]
            call += ["--dest", str(wheels), "--requirement", str(pins)]
            result = subprocess.run(call, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                words = "\n".join(result.stderr.strip().splitlines()[-3:])
                raise CommandError(f"pip could not download the wheels:\n{words}")


def wanted(pins: str, markers: dict[str, str]) -> Iterator[str]:
    """The pins, hashes and all, that hold on that machine; their markers are done with.

    pip would evaluate them for the machine that it runs on.
    """
    for entry in re.split(r"\n(?=[A-Za-z0-9])", pins):
        line, *hashes = re.split(r"\s*\\\n\s*", entry.strip())
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(markers):
                yield " ".join([line.partition(";")[0].strip(), *hashes])


def pip() -> list[str]:
    """A pip: that of `.venv`, or, in one that uv made, of the Python that it was made with."""
    for python in (sys.executable, getattr(sys, "_base_executable", "")):
        command = [python, "-m", "pip"]
        if python and output([*command, "--version"]):
            return command
    raise CommandError(
        "wheels are downloaded by pip, and there is none", hint="python -m ensurepip"
    )


def save_images(folder: Path) -> list[str]:
    """The images as tar files, if an engine has them; their names."""
    wanted = images()
    docker = engine.find(wanted)
    lacking = docker.missing and f"Docker has no {' and '.join(docker.missing)}; make pull"
    if docker.why_not or lacking:
        terminal.line(f"without images: {docker.why_not or lacking}")
        return []
    folder.mkdir(exist_ok=True)
    client = engine.connect(SILENCE_LIMIT_S)
    for variable, name in wanted.items():
        terminal.line(f"image {name} …")
        with (folder / f"{variable.lower()}.tar").open("wb") as tar:
            for chunk in client.images.get(name).save(named=name):
                tar.write(chunk)
    return list(wanted.values())


def unpack(folder: Path) -> int:
    """The second half of unpacking: bootstrap has seen to the wheels, and made `.venv` of them."""
    tars = sorted((folder / "images").glob("*.tar"))
    terminal.line(".venv is made from the pack, whenever it is made again in this checkout.")
    why_not = engine.find({}).why_not if tars else ""
    if why_not:
        terminal.line(f"Its images are of no use here: {why_not}.")
    elif tars:
        client = engine.connect(SILENCE_LIMIT_S)
        for tar in tars:
            with tar.open("rb") as file:
                loaded = client.images.load(file)
            tags = ", ".join(tag for image in loaded for tag in image.tags)
            terminal.line(f"Docker has {tags}")
    terminal.line("Next: make reproduce")
    return 0
