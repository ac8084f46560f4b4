"""Which Python `.venv` is made with, and when it is made again."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from scripts import bootstrap
from tests.support.commands import environment, run


def interpreters(*versions: str) -> list[str]:
    """The Pythons of these versions that this machine has, on PATH or among those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    programs = {}
    for version in versions:
        places = [shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python")]
        for place in filter(None, places):
            done = run([place, "-V"])
            if f"Python {version}." in done.output:  # a launcher of nothing says more
                programs.setdefault(version, str(place))
    return list(programs.values())


TOO_OLD = interpreters("2.7", "3.6", "3.9", "3.10")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout that was never set up: nothing but the files of `scripts/` and the pins."""
    for part in ("scripts", "requirements"):
        shutil.copytree(bootstrap.ROOT / part, tmp_path / part)
    for project in (".", "whichloop"):
        (tmp_path / project).mkdir(exist_ok=True)
        shutil.copy(bootstrap.ROOT / project / "pyproject.toml", tmp_path / project)
    return tmp_path


@pytest.mark.skipif(not TOO_OLD, reason="no Python older than 3.11 is on PATH")
@pytest.mark.parametrize("python", TOO_OLD)
def test_a_python_that_is_too_old_is_told_in_one_message(bare, python):
    nothing = environment(PATH=str(bare / "scripts"))

    done = run([python, "-m", "scripts", "minimal"], cwd=bare, env=nothing).must_exit(2)

    assert done.out == ""
    assert done.err.startswith("error: Python ")
    assert "is too old: this needs 3.11, 3.12 or 3.13" in done.err
    assert len(done.err.splitlines()) == 2
    assert not (bare / ".venv").exists()


def launcher(folder: Path, name: str, line: str) -> None:
    """A program of that name on a PATH of `folder` alone."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the launchers are shell scripts")
def test_a_better_python_on_path_is_found_past_launchers_of_nothing(tmp_path, monkeypatch):
    launcher(tmp_path, "python3.13", "echo 'no such version' >&2; exit 127")
    launcher(tmp_path, "python3.12", "echo 3 9")  # not what its name says
    launcher(tmp_path, "python3.11", "echo 3 11")
    monkeypatch.setenv("PATH", str(tmp_path))

    for version in ((3, 9, 1), (3, 10, 13), (3, 14, 0)):
        monkeypatch.setattr(sys, "version_info", version)
        assert bootstrap.base_python() == str(tmp_path / "python3.11")

    (tmp_path / "python3.11").unlink()
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(bootstrap.SetupError, match=r"Python 3\.10 is too old"):
        bootstrap.base_python()


def test_a_python_newer_than_the_preferred_ones_is_better_than_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert os.path.samefile(bootstrap.base_python(), sys.executable)
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    assert os.path.samefile(bootstrap.base_python(), sys.executable)


def test_venv_is_made_again_when_the_requirements_or_the_place_change(bare, monkeypatch):
    venv = bare / ".venv"
    monkeypatch.setattr(bootstrap, "ROOT", bare)
    monkeypatch.setattr(bootstrap, "VENV", venv)
    assert not bootstrap.up_to_date("run")
    bootstrap.venv_python().parent.mkdir(parents=True)
    bootstrap.venv_python().touch()
    for kind in ("run", "dev"):
        (venv / f"{kind}.stamp").write_text(bootstrap.fingerprint(kind), "utf-8")
        assert bootstrap.up_to_date(kind)

    (venv / "run.stamp").unlink()
    assert bootstrap.up_to_date("run")  # what is installed for working on it serves for running
    pins = bare / "requirements" / "dev.txt"
    pins.write_text(pins.read_text("utf-8") + "# one line more\n", "utf-8")

    assert not bootstrap.up_to_date("run")
    assert not bootstrap.up_to_date("dev")


def test_a_step_of_the_setup_that_fails_is_told_with_its_last_words():
    with pytest.raises(bootstrap.SetupError) as raised:
        bootstrap.call([sys.executable, "-c", "print('no route to host'); raise SystemExit(1)"])

    assert "setting up .venv failed at: " in str(raised.value)
    assert "no route to host" in str(raised.value)
    with pytest.raises(bootstrap.SetupError, match="No such file"):
        bootstrap.call([str(Path(sys.executable).with_name("no-such-program"))])
