"""BACKEND: which servers, and why those."""

from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.servers import engine, warm_pair
from scripts.servers.choose import automatic, choose
from scripts.servers.engine import Engine, images
from scripts.servers.model import BACKENDS


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "auto"])
def test_a_backend_that_is_asked_for_is_taken(backend):
    choice = choose({"BACKEND": backend})

    assert choice.backend == backend
    assert str(choice).startswith(f"Servers: {backend} (BACKEND={backend}). Others: BACKEND=")
    assert "auto" not in str(choice)


@pytest.mark.parametrize("wrong", ["bogus", "Embedded", "embedded ", "docker"])
def test_an_unknown_backend_is_refused_with_the_valid_ones(wrong):
    with pytest.raises(CommandError) as told:
        choose({"BACKEND": wrong})

    assert repr(wrong) in str(told.value)
    assert ", ".join(BACKENDS) in str(told.value)


def test_auto_takes_the_embedded_pair_where_docker_does_not_answer(monkeypatch, tmp_path):
    monkeypatch.setattr(warm_pair, "FILE", tmp_path / "pair.json")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    for environ in ({}, {"BACKEND": ""}, {"BACKEND": "auto"}):
        choice = choose(environ)

        assert choice.backend == "embedded"
        assert "Docker engine does not answer (connection refused; is it running?)" in choice.why


@pytest.mark.parametrize(
    "config", ['{"currentContext": "colima"}', '{"currentContext": "default"}', "[]", "no JSON"]
)
def test_a_docker_context_of_ones_own_is_a_sign_of_an_engine(tmp_path, config):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(config, "utf-8")
    if Path("/var/run/docker.sock").exists():
        pytest.skip("this machine shows a sign of an engine anyway")

    assert engine.may_exist({"HOME": str(tmp_path)}) == ("colima" in config)


def test_images_are_pinned_and_the_environment_wins():
    pinned = images({})

    assert set(pinned) == {"POSTGRES_IMAGE", "MONGO_IMAGE"}
    assert all(":" in image and not image.endswith(":latest") for image in pinned.values())
    own = images({"MONGO_IMAGE": "mongo:8.0.1"})
    assert own == {**pinned, "MONGO_IMAGE": "mongo:8.0.1"}


def test_auto_takes_the_pair_that_runs_on_docker_but_not_for_a_side_that_uses_up_a_server():
    running = Engine(version="27.0", pair=True)

    assert automatic(running).backend == "compose"
    assert automatic(running, exhausting=True).backend == "testcontainers"
