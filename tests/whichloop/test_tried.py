"""Cures that were tried: the table is that of the zoo, and what it says of a version is so."""

import sys
from pathlib import Path
from site import getsitepackages

import pytest
from tried import PINS, TABLE, expectation, family, is_cured, table
from whichloop.diagnose.case import Case, made
from whichloop.diagnose.causes import OUTLIVES
from whichloop.diagnose.cures import FAMILIES
from whichloop.present.section import in_words
from whichloop.records import Actor, LoopRecord, ObjectRecord, Settings

from tests.support import environments

SAMPLE = "09_redis_module_client"


def test_the_table_is_drawn_from_the_zoo():
    assert TABLE.read_text("utf-8") == table(), "python tests/whichloop/tried.py"


def test_every_family_is_tried_on_a_version_of_it():
    assert {family(pins.rpartition("-")[2]) for pins in PINS} == {
        name for least, name in FAMILIES if least < (2,)
    }


@pytest.mark.parametrize("pins", PINS)
def test_the_sample_is_cured_on_each_version(pins, tmp_path, urls_of):
    venv = tmp_path / "venv"
    python = environments.make(venv, sys.executable, pins, below=Path(getsitepackages()[0]))
    listed = family(pins.rpartition("-")[2]) in expectation(SAMPLE)["cured"]["on"]

    assert listed is is_cured(SAMPLE, python, tmp_path / "runs", urls_of("redis")) is True


def case(driver="redis", version="1.5.0", runner="pytest-asyncio"):
    ran = LoopRecord("A", "Loop", runner, None, "MainThread", Actor("test", "t"), None, 1)
    thing = ObjectRecord(1, driver, driver, driver)
    return Case(Settings(pytest_asyncio=version), thing, ran, ran)


@pytest.mark.parametrize(
    ("tried", "other"),
    [
        (True, {}),
        (True, {"version": "1.3.0"}),
        (True, {"version": "0.25.3"}),
        (False, {"version": "2.0.0"}),
        (False, {"version": "0.20.3"}),
        (False, {"driver": "asyncmy"}),
        (False, {"runner": "anyio"}),
    ],
)
def test_a_cure_is_known_to_cure_where_it_was_tried(tried, other):
    (cure,) = made(["one-loop"], {}, case(**other))

    (line,) = in_words([cure])
    assert cure.tried is tried
    assert line.endswith("; not tried on your version") is not tried


def test_a_scope_that_no_suite_had_is_another_text():
    (cure,) = made(["one-loop-tests"], {"scope": "package"}, case())

    assert not cure.tried


def test_names_of_the_readers_own_do_not_make_a_cure_another():
    (cure,) = made(["create-inside"], {"place": "module-level name app.lock"}, case("asyncio"))

    assert "app.lock" in cure.change
    assert cure.tried


def test_of_two_cures_what_was_tried_comes_first():
    names = ["create-inside", "one-loop"]
    cause = OUTLIVES._replace(advise=lambda case: (names, {}))

    assert [cure.id for cure in cause.cures(case())] == ["one-loop", "create-inside"]
    assert [cure.id for cure in cause.cures(case("asyncmy"))] == names
    assert [cure.id for cure in cause._replace(ranked=True).cures(case())] == names


def test_of_what_was_not_seen_in_a_run_nothing_is_denied():
    (cure,) = made(["one-loop"], {}, Case(Settings(), seen=False))

    assert cure.tried
