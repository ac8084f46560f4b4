"""make doctor, and `auto`, on machines with all sorts of Docker engines."""

import os
import re
import sys
import time
from pathlib import Path

import pytest

from scripts.maintain import doctor
from scripts.servers import choose, engine
from scripts.servers.engine import Engine
from tests.support import engines
from tests.support.commands import Done, scripts

if sys.platform == "win32":
    pytest.skip("the engines here are Unix sockets", allow_module_level=True)

BOTH = {"POSTGRES_IMAGE": "postgres:1", "MONGO_IMAGE": "mongo:1"}
# What make doctor may take when Docker hangs; when nothing does it takes two.
HUNG_LIMIT_S = 10.0


def line(done: Done, name: str) -> str:
    (match,) = re.findall(rf"^(?:ok|--|!!)  {name} +.*$", done.out, re.MULTILINE)
    return str(match)


def examined(home: Path, **changes: str) -> Done:
    """make doctor, where no engine is but the one in `changes`, as `auto` would look."""
    plain = {"HOME": str(home), "XDG_RUNTIME_DIR": "", "BACKEND": ""}
    return scripts("doctor", **(plain | BOTH | changes))


def test_without_docker_every_line_is_there_and_auto_takes_the_embedded_pair(tmp_path):
    done = examined(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock").must_exit(0)

    assert line(done, "Docker engine").startswith("--")
    assert "its socket does not exist" in line(done, "Docker engine")
    for fine in ("Python", "embedded pair", "disk", "clock"):
        assert line(done, fine).startswith("ok")
    for name in ("uv", "images", "registry", "compose", "ports"):
        assert line(done, name)
    assert "BACKEND=auto takes embedded: the Docker engine does not answer" in done.out


@pytest.mark.parametrize("name", ["Docker", "Podman"])
def test_with_an_engine_that_has_the_images_auto_takes_testcontainers(tmp_path, name):
    with engines.answering("postgres:1", "mongo:1", part=f"{name} Engine") as host:
        done = examined(tmp_path, DOCKER_HOST=host).must_exit(0)

    assert line(done, "Docker engine").startswith("ok")
    assert engines.VERSION in line(done, "Docker engine")
    assert "postgres:1, mongo:1" in line(done, "images")
    assert f"BACKEND=auto takes testcontainers: {name} {engines.VERSION} answers" in done.out


def test_an_image_that_is_missing_is_named_with_the_command_that_fetches_it(tmp_path):
    with engines.answering("postgres:1") as host:
        done = examined(tmp_path, DOCKER_HOST=host, PATH="/nonexistent").must_exit(0)

    assert re.match(r"--  images +missing: mongo:1\. make pull", line(done, "images"))
    assert "no `docker` on PATH" in line(done, "registry")
    assert "BACKEND=auto takes embedded: Docker answers but has no mongo:1" in done.out


def test_an_engine_that_hangs_costs_seconds_and_no_more(tmp_path):
    with engines.hung() as host:
        started = time.monotonic()
        done = examined(tmp_path, DOCKER_HOST=host).must_exit(0)
        took = time.monotonic() - started

    assert "no answer within 3 s" in line(done, "Docker engine")
    assert "BACKEND=auto takes embedded: the Docker engine does not answer" in done.out
    assert took < HUNG_LIMIT_S


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("tcp://10.1.2.3:2375", "10.1.2.3"),
        ("ssh://me@elsewhere/run/docker.sock", "elsewhere"),
        ("tcp://127.0.0.1:2375", ""),
        ("unix:///var/run/docker.sock", ""),
        ("", ""),
    ],
)
def test_an_engine_on_another_machine_is_of_no_use(host, other):
    why_not = engine.other_machine(host)

    assert bool(why_not) == bool(other)
    assert f"({other})" in why_not or not other


@pytest.mark.parametrize(
    "state",
    [
        Engine(why_not="no Docker engine was found"),
        Engine(version="1.2", missing=("mongo:1",)),
        Engine(version="1.2"),
    ],
)
def test_doctor_and_auto_never_disagree(state, monkeypatch, capsys):
    monkeypatch.setattr(engine, "find", lambda wanted: state)
    monkeypatch.setattr(doctor, "registry", lambda state: doctor.Finding(None, "not asked"))

    doctor.doctor()

    choice = choose.choose({})
    assert f"BACKEND=auto takes {choice.backend}: {choice.why}." in capsys.readouterr().out


def test_a_virtual_machine_whose_clock_stood_still_is_noticed(tmp_path):
    with engines.answering("postgres:1", "mongo:1", clock_off_s=-7200) as host:
        done = examined(tmp_path, DOCKER_HOST=host).must_exit(2)

    assert re.match(r"!!  clock +Docker's is -7\d\d\d s off", line(done, "clock"))


@pytest.mark.parametrize("offset", [0.0, -300_000_000.0])
def test_a_clock_older_than_the_checkout_is_wrong(offset, monkeypatch):
    now = time.time() + offset
    monkeypatch.setattr(time, "time", lambda: now)

    assert doctor.clock(Engine()).fine is (offset == 0.0)


def test_rootless_sockets_are_found_without_any_variable(tmp_path, monkeypatch):
    podman = tmp_path / "podman" / "podman.sock"
    podman.parent.mkdir()
    podman.touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "")
    monkeypatch.setattr(engine, "DEFAULT_SOCKET", tmp_path / "none.sock")

    assert engine.may_exist(os.environ)
    engine.point_at_it()

    assert os.environ["DOCKER_HOST"] == f"unix://{podman}"
