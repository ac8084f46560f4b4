"""An engine with the images, or every test here fails; and what it holds of ours."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from scripts.servers import engine
from scripts.servers.containers import LABEL
from scripts.servers.engine import images
from tests.support.commands import Done, scripts

# The images that were asked for: the commands here are started without what the caller has set.
IMAGES = images()


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """While this process holds the lock on a file, with others or alone."""
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield


@pytest.fixture(scope="session")
def locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture
def engine_alone(locks: Path) -> Iterator[None]:
    """No other test uses the engine until this one has ended."""
    with locked(locks / "engine.lock", fcntl.LOCK_EX):
        yield


@pytest.fixture(autouse=True)
def _with_others(request: pytest.FixtureRequest, locks: Path) -> Iterator[None]:
    """Beside other tests; but one by one on compose, since a pair of `make up` serves them all."""
    with ExitStack() as held:
        if "engine_alone" not in request.fixturenames:
            held.enter_context(locked(locks / "engine.lock", fcntl.LOCK_SH))
        of_compose = "shared_pair" in request.fixturenames or "compose" in request.node.name
        if of_compose:
            held.enter_context(locked(locks / "compose.lock", fcntl.LOCK_EX))
        yield


@pytest.fixture
def places(places: dict[str, str]) -> dict[str, str]:
    """The environment of a command on containers, its files where they can be told from others'."""
    return places | {"BACKEND": "testcontainers"} | IMAGES


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """A client of the engine that the commands use, too."""
    state = engine.find(IMAGES)
    assert not state.why_not, state.why_not
    assert not state.missing, f"missing: {state.missing}; make pull"
    with closing(engine.connect(20)) as client:
        yield client


@pytest.fixture
def ours(client: docker.DockerClient) -> Callable[..., list[Container]]:
    """The containers whose owner's label holds some text: a folder of the guardian's."""

    def containers(text: str, label: str = LABEL) -> list[Container]:
        # Only what the list itself says: one of them may be gone when it is asked for more.
        every = client.containers.list(all=True, filters={"label": label}, sparse=True)
        return [container for container in every if text in container.attrs["Labels"][label]]

    return containers


@pytest.fixture
def shared_pair() -> Iterator[Callable[..., Done]]:
    """make up, and a make down at the end: a function for both and for ps and logs."""

    def command(name: str, **changes: str) -> Done:
        return scripts(name, BACKEND="compose", **IMAGES, **changes)

    try:
        yield command
    finally:
        command("down").must_exit(0)


@pytest.fixture
def silent_image(client: docker.DockerClient) -> Iterator[str]:
    """An image whose server never answers."""
    name = f"wrongloop-test/silent:{os.getpid()}"  # another worker has its own
    text = f'FROM {IMAGES["POSTGRES_IMAGE"]}\nENTRYPOINT ["sh", "-c", "sleep 600"]\n'
    client.images.build(fileobj=BytesIO(text.encode()), tag=name, rm=True)
    yield name
    client.images.remove(name, force=True)
