"""A machine that is not as one would like it: the same outcomes, or one clear sentence."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.paths import ROOT
from tests.faults.seen import Seen
from tests.support import engines
from tests.support.checkouts import Checkout
from tests.support.commands import Done, environment, run, scripts

REPRODUCED = "Reproduced: 17 of 30 tests fail: 11 asyncpg, 6 motor, each as documented."
ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0
# Only root may mount; for anybody else the permission bits say the same.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
SMALL_DISK = 'mount -t tmpfs -o size=24m,mode=1777 tmpfs "$0" && exec "$@"'
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

as_root = pytest.mark.skipif(not ROOT_USER, reason="only root may mount, or become another user")


def mounted(script: str, folder: Path, command: list[str], **changes: str) -> Done:
    """Run the command in a mount namespace of its own, in which `script` changes `folder`."""
    inside = ["unshare", "--mount", "sh", "-c", script, str(folder), *command]
    return run(inside, env=environment(**changes))


def reproduce(temporary: Path, tmp_path: Path, **changes: str) -> Done:
    """`python -m scripts reproduce`, its files in folders of its own."""
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}
    return scripts("reproduce", **places | changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(changes, marks=pytest.mark.fault(title), id=title.split(",")[0])
        for title, changes in (
            ("HOME is not set", {"HOME": ""}),
            ("HOME is a folder that does not exist", {"HOME": "/nowhere/at/all"}),
            ("LANG=C, and no other locale", {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}),
            ("A terminal of 20 columns", {"COLUMNS": "20"}),
            (
                "A shell that exports PYTEST_ADDOPTS, PYTHONPATH and PYTHONASYNCIODEBUG",
                {
                    "PYTEST_ADDOPTS": "-p no:asyncio -o anyio_mode=auto -x -n 2",
                    "PYTHONPATH": str(ROOT / "tests" / "faults"),
                    "PYTHONASYNCIODEBUG": "1",
                },
            ),
        )
    ],
)
def test_the_environment_is_odd(
    temporary: Path, tmp_path: Path, seen: Seen, changes: dict[str, str]
) -> None:
    done = reproduce(temporary, tmp_path, **changes)

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@pytest.mark.fault("umask 077")
def test_a_strict_umask(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    before = os.umask(0o077)
    try:
        done = reproduce(temporary, tmp_path)
    finally:
        os.umask(before)

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@pytest.mark.fault("HOME that cannot be written")
def test_a_home_that_cannot_be_written(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    command = [sys.executable, "-m", "scripts", "reproduce"]
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}
    if ROOT_USER:
        done = mounted(READ_ONLY, home, command, HOME=str(home), **places)
    else:
        done = run(command, env=environment(HOME=str(home), **places))

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with its `.venv` made, that nobody will write to any more."""
    checkout = Checkout(tmp_path_factory.mktemp("read-only") / "checkout")
    if not ROOT_USER:
        for path in (checkout.folder, *checkout.folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
    return checkout


def in_read_only(checkout: Checkout, **changes: str) -> Done:
    command = [checkout.python, "-m", "scripts", "reproduce"]
    if ROOT_USER:
        inside = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(checkout.folder), *command]
    else:
        inside = command
    return run(inside, cwd=checkout.folder, env=environment(**changes))


@pytest.mark.fault("A checkout that cannot be written")
def test_a_read_only_checkout(temporary: Path, read_only: Checkout, seen: Seen) -> None:
    done = in_read_only(read_only, TMPDIR=str(temporary))

    assert done.code == 2
    assert "Try: WRONGLOOP_RESULTS=/another/folder before the command" in done.err
    seen(done, r"~error: cannot write results in .*/results/broken: .*")


@pytest.mark.fault("A checkout that cannot be written, with WRONGLOOP_RESULTS elsewhere")
def test_a_read_only_checkout_with_results_elsewhere(
    temporary: Path, tmp_path: Path, read_only: Checkout, seen: Seen
) -> None:
    done = in_read_only(
        read_only, TMPDIR=str(temporary), WRONGLOOP_RESULTS=str(tmp_path / "results")
    )

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@as_root
@pytest.mark.fault("A full disk under TMPDIR (24 MB)")
def test_a_full_disk_under_the_servers(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    command = [sys.executable, "-m", "scripts", "reproduce"]
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}

    done = mounted(SMALL_DISK, temporary, command, **places)

    assert done.code in (1, 2)
    assert "No space left on device" in done.output
    seen(done, "No space left on device")


@as_root
@pytest.mark.fault("A full disk under results/")
def test_a_full_disk_under_the_results(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    results = tmp_path / "results"
    results.mkdir()
    command = [sys.executable, "-m", "scripts", "reproduce"]
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(results)}

    done = mounted(SMALL_DISK.replace("24m", "64k"), results, command, **places)

    assert done.code == 2
    seen(done, "~error: cannot write .*: No space left on device")


@as_root
@pytest.mark.fault("An ordinary user, where the other lines are root's")
def test_an_ordinary_user(temporary: Path, seen: Seen) -> None:
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
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return said.stdout.split() == [str(part) for part in sys.version_info[:2]]


@pytest.mark.fault("A path with spaces, brackets and letters that are not ASCII")
def test_an_odd_path(temporary: Path, checkout: Checkout, seen: Seen) -> None:
    done = checkout.scripts("reproduce", TMPDIR=str(temporary))

    assert done.code == 0, done.output
    seen(done, REPRODUCED)


@pytest.mark.fault("`make serve` on a port that is taken")
def test_a_port_that_is_taken(temporary: Path, seen: Seen) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = scripts("serve", "--port", str(port), TMPDIR=str(temporary))

    assert done.code == 2
    seen(done, r"~port \d+ on 127.0.0.1 cannot be used: Address already in use")


@pytest.mark.fault("A Docker socket that may not be opened, where BACKEND asks for an engine")
def test_a_socket_that_is_closed_to_us(temporary: Path, tmp_path: Path, seen: Seen) -> None:
    command = [sys.executable, "-m", "scripts", "reproduce"]
    if ROOT_USER:  # whom only this capability lets through
        command = ["setpriv", "--bounding-set", "-dac_override", *command]
    places = {"TMPDIR": str(temporary), "WRONGLOOP_RESULTS": str(tmp_path / "results")}

    with engines.forbidden() as host:
        own = environment(BACKEND="testcontainers", DOCKER_HOST=host, **places)
        done = run(command, env=own)

    assert done.code == 2, done.output
    seen(
        done,
        "error: BACKEND=testcontainers needs a Docker engine: the Docker engine does not answer"
        " (permission denied on its socket; is your user in the group docker?)",
    )
