"""A machine that is not as one would like it: the same outcomes, or one clear sentence."""

import os
import shutil
import socket
import subprocess
import sys
from collections import ChainMap
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.paths import ROOT
from tests.support import engines
from tests.support.checkouts import Checkout
from tests.support.commands import SCRIPTS, Done, environment, run, scripts
from tests.support.runs import judgement_of

REPRODUCED = "Reproduced: 17 of 30 tests fail: 11 asyncpg, 6 motor, each as documented."
ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0
# Only root may mount; for anybody else the permission bits say the same.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
SMALL_DISK = 'mount -t tmpfs -o size=24m,mode=1777 tmpfs "$0" && exec "$@"'
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

as_root = pytest.mark.skipif(not ROOT_USER, reason="only root may mount, or become another user")


def mounted(script: str, folder: Path, command: Sequence[str], cwd: Path = ROOT, **changes) -> Done:
    """Run the command in a mount namespace of its own, in which `script` changes `folder`."""
    inside = ["unshare", "--mount", "sh", "-c", script, str(folder), *command]
    return run(inside, cwd=cwd, env=environment(**changes))


def read_only(folder: Path, command: Sequence[str], cwd: Path = ROOT, **changes) -> Done:
    if ROOT_USER:
        return mounted(READ_ONLY, folder, command, cwd, **changes)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return run(command, cwd=cwd, env=environment(**changes))


# Those of one run are not in each other's way.
ODD_ENVIRONMENTS: tuple[dict[str, dict[str, str]], ...] = (
    {
        "HOME is not set": {"HOME": ""},
        "LANG=C, and no other locale": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
    },
    {
        "HOME is a folder that does not exist": {"HOME": "/nowhere/at/all"},
        "A terminal of 20 columns": {"COLUMNS": "20"},
    },
    {
        "A shell that exports PYTEST_ADDOPTS, PYTHONPATH and PYTHONASYNCIODEBUG": {
            "PYTEST_ADDOPTS": "-p no:asyncio -o anyio_mode=auto -x -n 2",
            "PYTHONPATH": str(ROOT / "tests" / "faults"),
            "PYTHONASYNCIODEBUG": "1",
        }
    },
)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(ChainMap(*odd.values()), marks=pytest.mark.fault(*odd))
        for odd in ODD_ENVIRONMENTS
    ],
    ids=["no-home", "home-nowhere", "exports"],
)
def test_the_environment_is_odd(places, seen, changes):
    done = scripts("reproduce", **places, **changes)

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@pytest.mark.fault("HOME that cannot be written", "umask 077")
def test_a_home_that_cannot_be_written_and_a_strict_umask(places, tmp_path, seen):
    home = tmp_path / "home"
    home.mkdir()
    before = os.umask(0o077)
    try:
        done = read_only(home, [*SCRIPTS, "reproduce"], HOME=str(home), **places)
    finally:
        os.umask(before)

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


IN_READ_ONLY = "A checkout that cannot be written"
ELSEWHERE = "A checkout that cannot be written, with WRONGLOOP_RESULTS elsewhere"


@pytest.mark.fault(IN_READ_ONLY, ELSEWHERE)
def test_a_read_only_checkout(temporary, places, tmp_path, seen):
    checkout = Checkout(tmp_path / "checkout")
    command = [checkout.python, "-m", "scripts", "reproduce"]

    done = read_only(checkout.folder, command, checkout.folder, TMPDIR=str(temporary))
    assert done.code == 2
    assert "Try: WRONGLOOP_RESULTS=/another/folder before the command" in done.err
    printed = r"~error: cannot write results in .*/results/broken: .*"
    seen(done, printed, title=IN_READ_ONLY)

    done = read_only(checkout.folder, command, checkout.folder, **places)
    assert done.code == 0, done.output
    seen(done, REPRODUCED, title=ELSEWHERE)


@as_root
@pytest.mark.fault("A full disk under TMPDIR (24 MB)")
def test_a_full_disk_under_the_servers(temporary, places, seen):
    done = mounted(SMALL_DISK, temporary, [*SCRIPTS, "reproduce"], **places)

    assert done.code in (1, 2)
    assert "No space left on device" in done.output
    seen(done, "No space left on device")


@as_root
@pytest.mark.fault("A full disk under results/")
def test_a_full_disk_under_the_results(places, tmp_path, seen):
    results = tmp_path / "results"
    results.mkdir()

    done = mounted(SMALL_DISK.replace("24m", "64k"), results, [*SCRIPTS, "reproduce"], **places)

    assert done.code == 2
    seen(done, "~error: cannot write .*: No space left on device")


@as_root
@pytest.mark.fault("An ordinary user, where the other lines are root's")
def test_an_ordinary_user(temporary, seen):
    python = shutil.which("python3", path="/usr/bin:/bin")
    if python is None or not same_version(python):
        pytest.skip("no Python of this version that every user may run")
    temporary.chmod(0o777)
    checkout = Checkout(temporary / "checkout", base=python)
    inner = temporary / "tmp"
    inner.mkdir()
    for path in (temporary, *temporary.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    command = [*NOBODY, checkout.python, "-m", "scripts", "reproduce"]

    done = run(command, cwd=checkout.folder, env=environment(HOME="", TMPDIR=str(inner)))

    assert done.code == 0, done.output
    assert list(inner.iterdir()) == []
    shutil.rmtree(checkout.folder)
    inner.rmdir()
    seen(done, REPRODUCED)


def same_version(python: str) -> bool:
    """Is it the minor version whose packages we can lend it?"""
    code = "import sys, venv; print(*sys.version_info[:2])"
    return run([python, "-c", code]).out.split() == [str(part) for part in sys.version_info[:2]]


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--no-deps", "--target", str(folder)]
    command += ["-r", str(ROOT / "requirements" / "faults.txt")]
    subprocess.run(command, check=True, timeout=120)
    return folder


ODD_PATH = "A path with spaces, brackets and letters that are not ASCII"
PLUGINS = "pytest-randomly, -cov and -sugar are installed"


@pytest.mark.fault(ODD_PATH, PLUGINS)
def test_an_odd_path_and_plugins_that_are_none_of_ours(temporary, checkout, plugins, seen):
    (checkout.packages / "plugins.pth").write_text(f"{plugins}\n", "utf-8")

    done = checkout.scripts("reproduce", TMPDIR=str(temporary))

    assert done.code == 0, done.output
    assert judgement_of(checkout.folder / "results", "broken").as_documented
    seen(done, REPRODUCED, title=ODD_PATH)
    words = "Switched off for these runs, as none of ours: pytest plugin"
    seen(done, f"{words} pytest_cov, randomly, sugar", title=PLUGINS)


@pytest.mark.fault("`make serve` on a port that is taken")
def test_a_port_that_is_taken(temporary, seen):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = scripts("serve", "--port", str(port), TMPDIR=str(temporary))

    assert done.code == 2
    seen(done, r"~port \d+ on 127.0.0.1 cannot be used: Address already in use")


@pytest.mark.fault("A Docker socket that may not be opened, where BACKEND asks for an engine")
def test_a_socket_that_is_closed_to_us(places, seen):
    command = [*SCRIPTS, "reproduce"]
    if ROOT_USER:  # whom only this capability lets through
        command = ["setpriv", "--bounding-set", "-dac_override", *command]

    with engines.forbidden() as host:
        own = environment(BACKEND="testcontainers", DOCKER_HOST=host, **places)
        done = run(command, env=own)

    assert done.code == 2, done.output
    seen(
        done,
        "error: BACKEND=testcontainers needs a Docker engine: the Docker engine does not answer"
        " (permission denied on its socket; is your user in the group docker?)",
    )
