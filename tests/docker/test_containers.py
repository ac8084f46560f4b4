"""BACKEND=testcontainers and compose, on a real engine."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config

from scripts.maintain import offline
from scripts.servers.compose import PROJECT
from scripts.servers.containers import REAPER
from tests.docker.conftest import IMAGES
from tests.support.commands import SCRIPTS, Started, eventually, process_with, scripts, started
from tests.support.commands import pytest as bare_pytest

REPRODUCE = [*SCRIPTS, "reproduce"]
BACKENDS = ("testcontainers", "compose")
# What a person may rely on: nothing is left this many seconds after the end.
GONE_IN_S = 5.0
Ours = Callable[..., list[Container]]


@pytest.fixture(autouse=True)
def _an_engine(client: docker.DockerClient) -> None:
    """Every test here needs one."""


def wait_for_containers(running: Started, ours: Ours, folder: Path) -> list[Container]:
    eventually(lambda: len(ours(str(folder))) == 2 or running.process.poll() is not None, 60)
    containers = ours(str(folder))
    assert len(containers) == 2, running.so_far()
    return containers


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("moment", ["start", "run"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_containers_of_a_command_that_is_killed_are_gone_in_five_seconds(
    temporary, tmp_path, places, ours, backend, moment, number
):
    with started(REPRODUCE, tmp_path, **places | {"BACKEND": backend}) as running:
        if moment == "start":
            eventually(lambda: ours(str(temporary)), 60)
        else:
            process_with(temporary, "scripts.run.recorder")
        running.process.send_signal(number)
        running.process.wait(30)
        killed = time.monotonic()

        assert eventually(lambda: not ours(str(temporary)), GONE_IN_S), running.so_far()
        assert eventually(lambda: not ours(str(temporary), REAPER), GONE_IN_S)
        assert time.monotonic() - killed < GONE_IN_S + 1


def test_what_a_killed_guardian_left_is_removed_by_ryuk(temporary, tmp_path, places, ours, client):
    image = testcontainers_config.ryuk_image
    assert client.images.list(image), f"missing: {image}; make pull"
    with started(REPRODUCE, tmp_path, **places) as running:
        process_with(temporary, "scripts.run.recorder")
        os.kill(process_with(temporary, "scripts.servers.guardian"), signal.SIGKILL)
        running.end()

    # It waits ten seconds for somebody to come back.
    assert eventually(lambda: not ours(str(temporary)), 10 + 2 * GONE_IN_S)
    assert eventually(lambda: not ours(str(temporary), REAPER), GONE_IN_S)


def test_what_a_killed_guardian_left_is_removed_by_the_next(temporary, tmp_path, places, ours):
    own = places | {"TESTCONTAINERS_RYUK_DISABLED": "true"}
    with started(REPRODUCE, tmp_path, **own) as running:
        process_with(temporary, "scripts.run.recorder")
        os.kill(process_with(temporary, "scripts.servers.guardian"), signal.SIGKILL)
        running.end()
    (folder,) = (path for path in temporary.iterdir() if path.is_dir())
    assert len(ours(str(folder))) == 2
    os.utime(folder, (0, 0))

    scripts("reproduce", **own).must_exit(0)

    assert not ours(str(temporary))


@pytest.mark.parametrize("backend", BACKENDS)
def test_servers_listen_on_loopback_only_and_no_password_is_shown(
    temporary, tmp_path, places, ours, backend
):
    with started(REPRODUCE, tmp_path, **places | {"BACKEND": backend}) as running:
        containers = wait_for_containers(running, ours, temporary)
        process_with(temporary, "scripts.run.recorder")
        for container in containers:
            container.reload()
        passwords = {secret for container in containers for secret in secrets_of(container)}
        bound = [port for container in containers for port in published(container)]
        shown = command_lines() + json.dumps([container.labels for container in containers])
        done = running.end()

    assert len(passwords) == 2
    assert all(re.fullmatch(r"[0-9a-f]{24}", password) for password in passwords)
    assert [address for address, _ in bound] == ["127.0.0.1"] * 2
    assert done.code == 0, done.out
    shown += done.out
    for path in (tmp_path / "results").rglob("*"):
        shown += path.read_text("utf-8") if path.is_file() else ""
    assert not [password for password in passwords if password in shown]


def secrets_of(container: Container) -> list[str]:
    """The passwords in a container's environment, which only who may use the engine sees."""
    pairs = (entry.split("=", 1) for entry in container.attrs["Config"]["Env"])
    return [value for name, value in pairs if "PASSWORD" in name]


def published(container: Container) -> list[tuple[str, str]]:
    ports = container.attrs["NetworkSettings"]["Ports"]
    bound = [port for entry in ports.values() for port in entry or ()]
    return [(port["HostIp"], port["HostPort"]) for port in bound]


def command_lines() -> str:
    """What everybody on this machine sees of every process."""
    lines = b""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                lines += (entry / "cmdline").read_bytes()
            except OSError:  # ended in the meantime
                continue
    return lines.decode("utf-8", "replace")


def test_a_bare_pytest_starts_containers_of_its_own(temporary, ours):
    done = bare_pytest("broken", TMPDIR=str(temporary), BACKEND="testcontainers", **IMAGES)

    assert "14 failed, 15 passed, 1 xfailed, 3 errors" in done.must_exit(1).out
    assert "Servers: testcontainers" in done.out
    assert not ours(str(temporary))


def test_a_container_that_ends_is_told_while_the_other_is_silent(temporary, places, silent_image):
    # Postgres' image gets no password in MongoDB's place, so it will not start. The command is
    # given less time by this test than the silent one has by its limit.
    own = places | {"MONGO_IMAGE": places["POSTGRES_IMAGE"], "POSTGRES_IMAGE": silent_image}
    own["WRONGLOOP_START_LIMIT_S"] = "600"

    done = scripts("reproduce", **own).must_exit(2)

    assert "the container of MongoDB ended: " in done.err
    assert "superuser password is not specified" in done.err
    assert not list(temporary.iterdir())


def test_the_pair_of_make_up_outlives_the_commands_that_use_it(
    temporary, places, ours, client, shared_pair
):
    def ids() -> set[str]:
        label = {"label": f"com.docker.compose.project={PROJECT}"}
        return {container.id for container in client.containers.list(filters=label)}

    shared_pair("up").must_exit(0)
    before = ids()
    used = scripts("reproduce", **places | {"BACKEND": "auto"}).must_exit(0)
    again = shared_pair("up").must_exit(0)

    assert "Servers: compose (the pair of `make up` runs on Docker)" in used.output
    assert len(before) == 2
    assert ids() == before
    assert "up: PostgreSQL" in again.out
    assert not ours(str(temporary))
    assert shared_pair("ps").must_exit(0).out.count("127.0.0.1:") == 2
    assert "ready to accept connections" in shared_pair("logs").must_exit(0).out
    shared_pair("down").must_exit(0)
    assert ids() == set()


def test_images_go_through_a_pack(tmp_path, client, monkeypatch, capsys):
    packed = "wl-packed:1"  # the smallest image there is, by a name that can be taken from it
    client.api.tag(testcontainers_config.ryuk_image, packed)
    for variable in IMAGES:
        monkeypatch.setenv(variable, packed)

    try:
        assert offline.save_images(tmp_path / "images") == [packed] * 2
        client.images.remove(packed)
        assert offline.unpack(tmp_path) == 0

        assert f"Docker has {packed}" in capsys.readouterr().out
        assert client.images.list(packed)
    finally:
        client.images.remove(packed)
