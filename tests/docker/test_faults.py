"""What breaks on containers only; each is a line of docs/faults.md."""

import os
import shlex
import socket
import subprocess

import pytest
from docker.models.containers import Container

from scripts.servers.compose import PROJECT
from tests.faults.page import DOCKER
from tests.faults.seen import assert_same_titles
from tests.support import engines
from tests.support.commands import SCRIPTS, eventually, process_with, scripts, started

REPRODUCE = [*SCRIPTS, "reproduce"]
TESTS_RUN = "scripts.run.recorder"
# Two words as a shell writes them, PROGRAM and FOLDER: `PROGRAM down FOLDER` ends the engine and
# `PROGRAM up FOLDER` starts it. Set by whoever started it for these tests, .ci/containers for one.
MAY_RESTART = "WRONGLOOP_TEST_ENGINE"


def test_the_page_has_a_line_for_each_fault_and_no_other(request):
    assert_same_titles(request, DOCKER)


@pytest.mark.fault("No Docker engine, where BACKEND asks for one")
def test_no_engine(places, tmp_path, seen):
    done = scripts("reproduce", **places, DOCKER_HOST=f"unix://{tmp_path}/docker.sock")

    seen(done.must_exit(2), "error: BACKEND=testcontainers needs a Docker engine: ")


@pytest.mark.fault("An engine that takes the connection and never answers")
def test_an_engine_that_hangs(places, seen):
    with engines.hung() as host:
        done = scripts("reproduce", **places, DOCKER_HOST=host)

    seen(done.must_exit(2), "~error: BACKEND=testcontainers needs a Docker engine: .*")


@pytest.mark.fault("An image that is not there and cannot be fetched")
def test_an_image_that_cannot_be_had(places, seen, ours):
    nowhere = {"POSTGRES_IMAGE": "127.0.0.1:1/nobody/postgres:0"}

    done = scripts("reproduce", **places | nowhere)

    assert done.code == 2
    assert "Try: BACKEND=embedded python -m scripts reproduce" in done.err
    seen(done, "error: 127.0.0.1:1/nobody/postgres:0 could not be fetched: ")


@pytest.mark.fault("A container that never gets ready (WRONGLOOP_START_LIMIT_S=15)")
def test_a_container_that_stays_silent(places, temporary, seen, silent_image, ours):
    changes = {"POSTGRES_IMAGE": silent_image, "WRONGLOOP_START_LIMIT_S": "15"}

    done = scripts("reproduce", **places | changes)

    assert done.code == 2
    assert ours(str(temporary)) == []
    seen(
        done,
        "error: the container of Postgres gave no answer within 15 s (WRONGLOOP_START_LIMIT_S)",
    )


@pytest.mark.fault("`make up` with a POSTGRES_PORT that is taken")
def test_a_port_that_is_taken(temporary, client, seen, shared_pair):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shared_pair("up", TMPDIR=str(temporary), POSTGRES_PORT=port)

    assert done.code == 2, done.output
    label = {"label": f"com.docker.compose.project={PROJECT}"}
    assert client.containers.list(all=True, filters=label) == []
    seen(done, "~.*address already in use")


@pytest.mark.parametrize(
    ("name", "end"),
    [
        pytest.param(name, end, marks=pytest.mark.fault(f"The container of {name} is {words}"))
        for name in ("Postgres", "MongoDB")
        for words, end in (("killed", Container.kill), ("paused", Container.pause))
    ],
)
def test_a_container_that_ends_or_freezes(places, temporary, tmp_path, seen, ours, name, end):
    with started(REPRODUCE, tmp_path, **places) as running:
        process_with(temporary, TESTS_RUN)
        end(container_of(name, ours(str(temporary))))
        done = running.end(150)

    assert done.code == 1
    assert "NOT AS DOCUMENTED" not in done.out
    assert eventually(lambda: not ours(str(temporary)), 5)
    product = {"Postgres": r"postgres \(PostgreSQL .*\)", "MongoDB": r"mongodb \(.*\)"}[name]
    seen(done, f"~INVALID: {product} no longer answers: .*; its log ends: .*")


def container_of(name: str, containers: list[Container]) -> Container:
    """The one that publishes this server's port."""
    port = {"Postgres": "5432/tcp", "MongoDB": "27017/tcp"}[name]
    for container in containers:
        container.reload()
    (publishing,) = (container for container in containers if port in container.ports)
    return publishing


@pytest.mark.fault("Docker itself stops in the middle, and is started again")
@pytest.mark.usefixtures("engine_alone")
def test_docker_stops(places, temporary, tmp_path, seen, ours):
    words = shlex.split(os.environ.get(MAY_RESTART, ""))
    if not words:
        pytest.skip(f"{MAY_RESTART} names no program and folder that end and start the engine")
    program, folder = words
    with started(REPRODUCE, tmp_path, **places) as running:
        process_with(temporary, TESTS_RUN)
        subprocess.run([program, "down", folder], check=True, timeout=300)
        done = running.end(150)
    subprocess.run([program, "up", folder], check=True, timeout=300)

    assert done.code == 1
    assert "NOT AS DOCUMENTED" not in done.out
    for path in temporary.iterdir():  # so old that the next command looks after it
        os.utime(path, (0, 0))
    again = scripts("reproduce", **places)
    assert again.code == 0, again.output
    assert ours(str(temporary)) == []
    seen(done, "~INVALID: .* no longer answers: .*")
