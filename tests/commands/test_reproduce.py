"""`make reproduce`: both errors, on real servers, as documented; and what a changed checkout does.

One other checkout than ours serves all of these tests; who changes it changes it back.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest

from scripts.servers.client import Guardian
from scripts.sides import manifest
from tests.support.checkouts import UNUSUAL, Checkout
from tests.support.commands import Done, refused, run

FUTURE = r"got Future <Future pending cb=\[{}[^\]]*\]> attached to a different loop"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Another checkout than ours, in which nothing was ever run."""
    return Checkout(tmp_path_factory.mktemp("checkout") / UNUSUAL)


@pytest.fixture(scope="module")
def results(checkout: Checkout) -> Path:
    """Where a command writes unless it is asked to write elsewhere."""
    return checkout.folder / "results"


@pytest.fixture(scope="module")
def reproduced(checkout: Checkout) -> Done:
    """`make reproduce` on servers of its own: run once."""
    return run(["make", "reproduce", f"PYTHON={checkout.python}"], cwd=checkout.folder)


@pytest.fixture(scope="module")
def recorded(reproduced: Done, results: Path) -> dict[str, Any]:
    reproduced.must_exit(0)
    return json.loads((results / "broken" / "run.json").read_text("utf-8"))


def test_both_messages_are_shown_verbatim_with_why_and_the_verdict(reproduced):
    out = reproduced.must_exit(0).out

    for callback, driver in (("_chain_future", "motor"), ("BaseProtocol._on_waiter", "asyncpg")):
        assert f"attached to a different loop ({driver}), in test_" in out
        future = FUTURE.format(re.escape(callback))
        assert re.search(rf"RuntimeError: Task <Task pending name='Task-\d+' .*{future}", out)
    assert "attached to a different loop (asyncpg), in the teardown of test_" in out
    assert out.count("  Why: ") == 3
    assert "Reproduced: 17 of 30 tests fail: 11 asyncpg, 6 motor, each as documented." in out
    assert ".venv/bin/pytest broken" in out
    assert out.rstrip().splitlines()[-1].startswith("Next: make ")


def test_a_picture_of_one_test_of_each_half_fits_on_a_screen(reproduced):
    lines = reproduced.must_exit(0).out.splitlines()

    end = lines.index("Whole picture: .venv/bin/whichloop lanes results/broken/recording.json")
    start = next(at for at, line in enumerate(lines) if re.match(r"A +session loop  ", line))
    picture = lines[start:end]
    assert len(picture) <= 20
    assert sum(" loop  " in line for line in picture) == 4
    for words in ("motor client", "pooled connection", "used on C at shared_app/", "27 more loops"):
        assert any(words in line for line in picture), words


def test_piped_output_has_no_control_characters_and_names_the_servers(reproduced, recorded):
    assert "\x1b" not in reproduced.out
    assert "\r" not in reproduced.out
    assert "\x1b" not in reproduced.err
    assert "Servers: embedded (BACKEND=embedded). Others: BACKEND=" in reproduced.err
    for server in recorded["servers"].values():
        assert f"{server['product']} {server['version']}" in reproduced.err


def test_run_json_says_what_happened(recorded, results):
    assert recorded["schema_version"] == 1
    assert (recorded["side"], recorded["backend"], recorded["exit_code"]) == (
        "broken",
        "embedded",
        1,
    )
    assert recorded["servers"]["postgres"]["product"] == "PostgreSQL"
    assert recorded["servers"]["mongodb"]["product"] in ("SecantusDB", "MongoDB")
    assert recorded["command"] == ".venv/bin/pytest broken"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", recorded["started_at"])
    assert 0 < recorded["duration_s"] < 60
    assert set(recorded["versions"]) == {
        *("python", "pytest", "pytest_asyncio", "motor", "pymongo"),
        *("sqlalchemy", "asyncpg", "fastapi"),
    }
    assert recorded["asyncio"]["mode"] == "auto"
    assert recorded["asyncio"]["default_fixture_loop_scope"] == "session"
    assert recorded["asyncio"]["default_test_loop_scope"] == "function"
    fields = {"nodeid", "group", "outcome", "phase", "duration_s", "loop", "reruns", "error"}
    for test in recorded["tests"]:
        assert set(test) >= fields
        if test["error"]:
            assert set(test["error"]) == {"type", "message", "kind", "driver", "at"}
            assert test["error"]["type"] == "RuntimeError"
            assert (test["outcome"], test["phase"]) in (("failed", "call"), ("error", "teardown"))
    output = (results / "broken" / "output.txt").read_text("utf-8")
    assert "14 failed, 15 passed, 1 xfailed, 3 errors" in output
    written = {path.name for path in (results / "broken").iterdir()}
    assert written == {"output.txt", "recording.json", "run.json"}


def test_run_json_says_which_loop_each_test_ran_on_and_what_crossed(recorded):
    loops = {loop["id"]: loop for loop in recorded["loops"]}
    of_tests = [test["loop"] for test in recorded["tests"]]
    assert len(set(of_tests)) == len(of_tests) == 30, "each test has a loop of its own"
    assert {loops[loop]["scope"] for loop in of_tests} == {"function"}
    (session,) = (loop["id"] for loop in recorded["loops"] if loop["scope"] == "session")
    fixtures = [fixture for fixture in recorded["fixtures"] if fixture["name"] == "test_db"]
    assert {fixture["loop"] for fixture in fixtures} == {session}
    clients = [client for client in recorded["connections"] if client["driver"] == "motor"]
    crossed = [client for client in clients if {*client["used_on"]} - {client["opened_on"]}]
    assert [client["opened_on"] for client in crossed] == [session] * 6


def test_every_test_is_of_the_group_that_the_manifest_says(recorded):
    of_tests = {test["nodeid"]: test["group"] for test in recorded["tests"]}

    groups = manifest.load().tests
    assert of_tests == {nodeid: group for group, ids in groups.items() for nodeid in ids}


def test_a_side_that_is_configured_otherwise_is_not_as_documented(
    checkout, guardian, external, tmp_path
):
    # With fixtures on each test's own loop, Motor's tests pass.
    with checkout.changed("broken/pytest.ini", "loop_scope = session", "loop_scope = function"):
        places = external | {"WRONGLOOP_RESULTS": str(tmp_path)}
        done = checkout.scripts("reproduce", **places).must_exit(1)

    assert "Servers: external" in done.err
    assert "NOT AS DOCUMENTED: 9 of 30 tests fail: 9 asyncpg" in done.out
    differences = [line for line in done.out.splitlines() if ": documented " in line]
    assert sum(line.startswith("  test_conversation_reads") for line in differences) == 3
    differences = [line for line in differences if line.startswith("  test_job")]
    assert len(differences) == 6
    words = "documented failed, attached to a different loop (motor), was passed"
    assert all(words in line for line in differences)
    assert "Versions in play: Python 3." in done.out
    assert "each as documented" not in done.out
    assert left_databases(guardian) == []


def left_databases(guardian: Guardian) -> list[str]:
    """The databases that a command left on the session's servers."""
    servers = guardian.servers
    with psycopg.connect(servers.postgres.url) as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
    with pymongo.MongoClient[dict[str, Any]](servers.mongodb.url) as client:
        names += client.list_database_names()
    ours = f"wrongloop_{servers.token}_"
    return [name for name in names if name.startswith("wrongloop_") and not name.startswith(ours)]


def test_a_test_file_that_does_not_import(checkout, external, tmp_path):
    with checkout.changed("suite/test_jobs.py", "import httpx", "import httpxx"):
        places = external | {"WRONGLOOP_RESULTS": str(tmp_path)}
        message = refused(checkout.scripts("reproduce", **places))

    assert "a test file does not import" in message
    assert "test_jobs.py: " in message
    assert "No module named 'httpxx'" in message
    assert not (tmp_path / "broken" / "run.json").exists()


def test_a_manifest_that_no_command_can_use(checkout):
    with checkout.changed("remedies.toml", 'outcome = "failed"', 'outcome = "borken"'):
        message = refused(checkout.scripts("reproduce"))

    assert "remedies.toml, key broken.outcome.0.outcome: Input should be 'passed', " in message


REMEDY = """\
title = "One loop, by two options"
source = "Remedy 9"
changes = ["pytest.ini"]
why = "All tests and fixtures share the session loop."
when = "When a test of this project needs a twentieth remedy."

[same_as]
broken = ["http", "control"]
fix-09 = ["direct-motor", "postgres"]
"""
CAPTION = '"""Remedy 20: both options name the session loop."""\n'


def test_a_twentieth_remedy_is_one_folder(reproduced, checkout):
    folder = checkout.folder / "fixed" / "20_one_loop"
    shutil.copytree(checkout.folder / "broken", folder)
    (folder / "variants.toml").unlink()
    (folder / "README.md").write_text("# Remedy 20\n", "utf-8")
    (folder / "remedy.toml").write_text(REMEDY, "utf-8")
    conftest = folder / "conftest.py"
    _, _, rest = conftest.read_text("utf-8").partition("\n")
    conftest.write_text(CAPTION + rest, "utf-8")
    with (folder / "pytest.ini").open("a", encoding="utf-8") as ini:
        ini.write("asyncio_default_test_loop_scope = session\n")

    done = checkout.scripts("fix", "20").must_exit(0)
    assert "Remedy 20 cures 17 of 17 failing tests (MongoDB all, Postgres all)" in done.out
    checkout.scripts("readme").must_exit(0)
    readme = (checkout.folder / "README.md").read_text("utf-8")
    assert "| `make fix-20` | [One loop, by two options](fixed/20_one_loop/README.md) |" in readme
    shutil.rmtree(folder)
