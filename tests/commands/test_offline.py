"""The offline pack: what goes in, and what is refused. .ci/offline uses one without a network."""

import json
from pathlib import Path

import pytest

from scripts import bootstrap
from scripts.maintain import offline
from scripts.paths import ROOT
from tests.support.commands import in_process

PINS = """\
asyncpg==0.31.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:dd
numpy==2.5.5 ; python_full_version >= '3.12' and python_full_version < '3.14' \\
    --hash=sha256:ee
"""


@pytest.mark.parametrize(
    ("platform", "python", "names"),
    [
        ("linux-x86_64", "3.11", ["asyncpg==0.31.0", "numpy==2.4.6"]),
        ("macos-arm64", "3.13", ["asyncpg==0.31.0", "numpy==2.5.5"]),
        ("windows-x86_64", "3.12", ["asyncpg==0.31.0", "colorama==0.4.6", "numpy==2.5.5"]),
    ],
)
def test_the_pins_are_those_of_the_other_machine(platform, python, names):
    lines = list(offline.wanted(PINS, offline.PLATFORMS[platform].markers(python)))

    assert [line.split()[0] for line in lines] == names
    assert lines[0] == "asyncpg==0.31.0 --hash=sha256:aa --hash=sha256:bb"


@pytest.mark.parametrize("kind", ["run", "dev"])
def test_every_pin_of_ours_is_read(kind):
    text = (ROOT / "requirements" / f"{kind}.txt").read_text("utf-8")

    for python in ("3.11", "3.12", "3.13"):
        lines = list(offline.wanted(text, offline.PLATFORMS["linux-x86_64"].markers(python)))

        assert len(lines) > 40
        assert all("==" in line and "--hash=sha256:" in line for line in lines)
        assert len({line.split("==")[0] for line in lines}) == len(lines)


def test_a_wheel_by_an_older_name_of_its_tag_is_fetched_too():
    """Playwright's is tagged manylinux1, which pip does not take for manylinux_2_5."""
    tags = offline.PLATFORMS["linux-x86_64"].tags

    assert tags[:2] == ("manylinux1_x86_64", "manylinux_2_5_x86_64")
    assert tags.index("manylinux2014_x86_64") < tags.index("manylinux_2_17_x86_64")


def test_a_platform_or_a_python_that_is_none_is_told_with_those_that_are(tmp_path):
    platform = in_process("offline-pack", str(tmp_path), "--platform", "amiga").must_exit(2)
    python = in_process("offline-pack", str(tmp_path), "--pythons", "3.12 2.7").must_exit(2)

    assert "'amiga' is not a platform; it is one of linux-x86_64, " in platform.err
    assert "PYTHONS='3.12 2.7' is not some of 3.13, 3.12, 3.11" in python.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["", "nowhere", "empty"])
def test_what_is_no_pack_is_refused_and_changes_nothing(tmp_path, monkeypatch, what):
    monkeypatch.setattr(bootstrap, "OFFLINE", tmp_path / ".offline")
    (tmp_path / "empty").mkdir()
    words = "is not a folder that make offline-pack wrote" if what else "which pack?"

    with pytest.raises(bootstrap.SetupError, match=words):
        bootstrap.take_wheels([what and f"{tmp_path}/{what}"])

    assert not bootstrap.OFFLINE.exists()


def a_pack(folder: Path, *pythons: str) -> Path:
    """A pack without wheels."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "some.whl").touch()
    (folder / "pack.json").write_text(json.dumps({"pythons": pythons}), "utf-8")
    return folder


def test_wheels_are_taken_whole_and_choose_the_python(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "OFFLINE", tmp_path / ".offline")
    (tmp_path / ".offline" / "wheels").mkdir(parents=True)
    (tmp_path / ".offline" / "wheels" / "old.whl").touch()

    bootstrap.take_wheels([str(a_pack(tmp_path / "a pack", "3.99"))])

    assert [path.name for path in (tmp_path / ".offline" / "wheels").iterdir()] == ["some.whl"]
    with pytest.raises(bootstrap.SetupError, match=r"has wheels for Python 3\.99 only"):
        bootstrap.base_python()
