"""Mistakes of the caller and of the machine: one clear message, exit code 2, nothing left."""

import json

import pytest

from scripts.errors import ServerError
from scripts.servers.external import reach_mongodb, reach_postgres
from tests.support.checkouts import Checkout
from tests.support.commands import in_process, refused, scripts

PASSWORD = "s3cr3t"


POSTGRES_URLS = [
    ("", "BACKEND=external needs DATABASE_URL"),
    ("localhost", "DATABASE_URL is not a URL of the form postgresql://"),
    (f"mysql://u:{PASSWORD}@h/", "mysql://u:***@h/"),
    (f"postgresql://u:{PASSWORD}@[::1/db", "is not a URL of the form"),
    (f"postgresql://u:{PASSWORD}@127.0.0.1:port/", "port"),
    (f"postgresql://u:{PASSWORD}@127.0.0.1:1/db", "no server answers at DATABASE_URL"),
    (f"postgresql://127.0.0.1:1/db?password={PASSWORD}", "no server answers at DATABASE_URL"),
]
MONGODB_URLS = [
    ("", "BACKEND=external needs MONGO_URL"),
    (f"http://u:{PASSWORD}@h/", "MONGO_URL is not a URL of the form mongodb://"),
    (f"mongodb://u:{PASSWORD}@h:99999/", "MONGO_URL is not a URL of the form"),
    (f"mongodb://u:{PASSWORD}@@h/", "MONGO_URL is not a URL of the form"),
    (f"mongodb://u:{PASSWORD}@127.0.0.1:1/", "no server answers at MONGO_URL"),
]


@pytest.mark.parametrize(
    ("reach", "url", "words"),
    [(reach_postgres, *case) for case in POSTGRES_URLS]
    + [(reach_mongodb, *case) for case in MONGODB_URLS],
)
def test_a_url_that_is_missing_malformed_or_unreachable(reach, url, words):
    with pytest.raises(ServerError) as raised:
        reach(url)

    assert words in str(raised.value)
    assert PASSWORD not in str(raised.value) + raised.value.hint
    assert "\n" not in str(raised.value)


def test_a_malformed_url_given_to_a_command(external):
    url = f"mongodb://u:{PASSWORD}@127.0.0.1:99999/"

    message = refused(in_process("reproduce", **external | {"MONGO_URL": url}))

    assert PASSWORD not in message
    assert "MONGO_URL is not a URL of the form mongodb://127.0.0.1:27017/" in message
    assert "mongodb://u:***@127.0.0.1:99999/" in message
    assert "Try: export MONGO_URL=" in message


def test_docker_that_is_absent_where_it_is_asked_for(tmp_path):
    nowhere = f"unix://{tmp_path}/docker.sock"

    message = refused(scripts("reproduce", DOCKER_HOST=nowhere, BACKEND="compose"))

    assert "BACKEND=compose needs a Docker engine: the Docker engine does not answer" in message
    assert "Try: BACKEND=embedded" in message


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(port):
    done = in_process("serve", "--port", port).must_exit(2)

    assert "--port" in done.err


def test_results_that_cannot_be_written(tmp_path):
    in_the_way = tmp_path / "results"
    in_the_way.write_text("a file", "utf-8")

    message = refused(scripts("reproduce", WRONGLOOP_RESULTS=str(in_the_way)))

    assert f"cannot write results in {in_the_way}" in message
    assert "Servers:" not in message  # found out before any was started


def test_an_unknown_command():
    done = in_process("reproduse").must_exit(2)

    assert "reproduse" in done.err


def test_a_mongodb_half_that_cannot_run_leaves_the_postgres_half_and_says_the_way_out(tmp_path):
    checkout = Checkout(tmp_path / "without", without="secantus")

    # Nothing is on PATH, so there is no `mongod` either.
    done = checkout.scripts("reproduce", PATH=str(checkout.folder)).must_exit(1)

    assert "INVALID: 10 tests met no working server" in done.out
    assert "put mongod on PATH, or use BACKEND=testcontainers" in done.out
    run = json.loads((checkout.folder / "results" / "broken" / "run.json").read_text("utf-8"))
    assert run["servers"]["mongodb"] is None
    assert run["servers"]["postgres"]["product"] == "PostgreSQL"
    failed = [test for test in run["tests"] if test["outcome"] == "failed"]
    assert len(failed) == 8
    assert {test["error"]["driver"] for test in failed} == {"asyncpg"}
