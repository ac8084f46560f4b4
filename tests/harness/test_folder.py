"""The guardian's temporary folder: where it is made, and who sweeps it."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from scripts.servers.folder import suitable_root, sweep, temporary_folder

if sys.platform == "win32":
    pytest.skip("no Unix sockets, no locks on folders", allow_module_level=True)

# A guardian that was killed and one that lives: each makes a folder, says where, and waits.
KEEPER = """
import sys, time
from scripts.servers.folder import temporary_folder
with temporary_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def keeper(root: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process with a folder under `root`, which looks old enough to be swept."""
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER],
        env=os.environ | {"TMPDIR": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = Path(process.stdout.readline().strip())
    an_hour_ago = time.time() - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))
    return process, folder


def test_only_the_folders_of_dead_guardians_are_swept(temporary):
    dead, left = keeper(temporary)
    dead.kill()
    dead.wait()
    alive, used = keeper(temporary)
    others = [temporary / "wrongloop-notes", temporary / "wrongloop-run-abcdefgh"]
    for other in others:
        other.mkdir()
        os.utime(other, (0, 0))
    young = temporary / "wrongloop-abcdefgh"
    young.mkdir()
    try:
        assert used.exists()
        sweep(temporary)

        assert set(temporary.iterdir()) == {used, young, *others}
        assert not left.exists()
    finally:
        alive.kill()
        alive.wait()
        for process in (dead, alive):
            process.stdout.close()


def test_the_folder_is_gone_after_an_error(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    with pytest.raises(ZeroDivisionError), temporary_folder() as folder:  # noqa: PT012
        (folder / "data").mkdir()
        assert folder.parent == temporary
        raise ZeroDivisionError

    assert list(temporary.iterdir()) == []


def as_tmpdir(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it the folder for temporary files, which every account may pass whatever our umask."""
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.mark.parametrize("length", [20, 60, 65, 90])
def test_a_tmpdir_too_long_for_a_unix_socket_is_not_taken(temporary, monkeypatch, length):
    folder = temporary / ("ä" + "x" * (length - len(str(temporary)) - 3))  # "ä" is two bytes
    assert len(os.fsencode(folder)) == length
    as_tmpdir(folder, monkeypatch)

    root = suitable_root()

    assert root == (folder if length <= 60 else Path("/tmp"))
    socket = root / "wrongloop-12345678" / "postgres" / ".s.PGSQL.5432"
    assert len(os.fsencode(socket)) <= 103


@pytest.mark.parametrize(
    ("name", "taken"), [("a b", True), ("ä検証", True), ("a,b", False), ("a'b", False)]
)
def test_a_tmpdir_with_a_character_that_parts_lists_is_not_taken(
    temporary, monkeypatch, name, taken
):
    as_tmpdir(temporary / name, monkeypatch)

    assert suitable_root() == (temporary / name if taken else Path("/tmp"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Postgres as somebody else")
def test_a_tmpdir_that_is_closed_to_others_is_not_taken_as_root(temporary, monkeypatch):
    as_tmpdir(temporary / "inner", monkeypatch)

    assert suitable_root() == temporary / "inner"
    temporary.chmod(0o700)
    assert suitable_root() == Path("/tmp")
