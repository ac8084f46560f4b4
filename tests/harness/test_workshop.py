"""The workshop's manifest, rules, answers and state, without a run of pytest."""

import json

import pytest

from scripts.maintain.workshop import WAYS
from scripts.paths import ROOT
from scripts.workshop import manifest, rules, state, truth, view

WORKSHOP = manifest.load()
EXERCISES = [pytest.param(each, id=each.name) for each in WORKSHOP.exercise]
TEST = """
import pytest

pytestmark = pytest.mark.asyncio

@pytest.fixture
def test_db():
    return 1

async def test_it(test_db):
    got = await ask()
    assert got == 1
    assert test_db
"""


@pytest.fixture
def folders(tmp_path):
    """The folder of an exercise and that of its learner, both with the same files."""
    for name in ("source", "mine"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "test_it.py").write_text(TEST)
        (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    return tmp_path / "mine", tmp_path / "source"


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A place for a learner's folders and progress."""
    monkeypatch.setattr(state, "FILE", tmp_path / "progress.json")
    return tmp_path


def broken(folders, edit=("*",)):
    return [found.rule for found in rules.ways_round(*folders, edit)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_solution_differs_in_nothing_but_what_is_the_learners(exercise):
    names = rules.names_of(exercise.source)

    assert rules.names_of(exercise.solution) == names
    assert not list(rules.ways_round(exercise.solution, exercise.source, exercise.edit))
    assert not list(rules.false_cures(exercise.solution, exercise.source))
    assert view.patch(exercise)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_where_it_stands_is_somewhere(exercise):
    for place in exercise.see:
        kind, _, number = place.partition(" ")[2].partition("-")
        if place.startswith("make ") and number:
            [_] = (ROOT / {"fix": "fixed", "trap": "traps"}[kind]).glob(f"{int(number):02}_*")
        elif not place.startswith(("make ", "whichloop explain", "whichloop lanes", "README")):
            assert (ROOT / place.partition(",")[0]).exists(), place


def test_every_way_round_and_false_cure_is_tried():
    tried = {attempt.id for each in WORKSHOP.exercise for attempt in each.false_cure}

    assert set(WAYS) == set(WORKSHOP.way_round)
    assert tried == set(WORKSHOP.false_cure) == {*rules.FALSE_CURES, "downgrade"}


def test_the_lessons_have_every_exercise_once():
    taught = [number for lesson in WORKSHOP.lesson for number in lesson.exercises]

    assert taught == [exercise.number for exercise in WORKSHOP.exercise]
    assert len(WORKSHOP.fast) == 6


@pytest.mark.parametrize(
    "change",
    [
        ("assert got == 1", "assert  got  ==  1  # as before"),
        ("pytest.mark.asyncio", 'pytest.mark.asyncio(loop_scope="session")'),
        ("    got = await ask()", "    more = await ask()\n    got = await ask()"),
        ("return 1", 'return "skipped"'),
    ],
)
def test_what_weakens_nothing_is_no_way_round(folders, change):
    path = folders[0] / "test_it.py"
    path.write_text(path.read_text().replace(*change))

    assert broken(folders) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("    assert got == 1\n", ""), "deleted_assert"),
        (("got == 1", "got"), "deleted_assert"),
        (("test_it(", "check_it("), "removed_test"),
        (("    got = await ask()", "    return"), "emptied_test"),
        (("await ask()", "1"), "emptied_test"),
        (("async def", "@pytest.mark.skipif(True, reason='')\nasync def"), "skip"),
        (("    got =", "    pytest.skip()\n    got ="), "skip"),
        (("pytest.mark.asyncio", "[pytest.mark.asyncio, pytest.mark.xfail]"), "xfail"),
        (
            ("    got =", "    with pytest.raises(OSError):\n        1\n    got ="),
            "caught_error",
        ),
        (("@pytest.fixture", "collect_ignore = []\n\n@pytest.fixture"), "decided_outcome"),
    ],
)
def test_a_way_round_is_recognised(folders, change, rule):
    path = folders[0] / "test_it.py"
    path.write_text(path.read_text().replace(*change))

    assert broken(folders) == [rule]


def test_only_the_options_of_loops_may_change(folders):
    ini = folders[0] / "pytest.ini"
    ini.write_text(ini.read_text() + "asyncio_default_test_loop_scope = session\n")
    assert broken(folders) == []
    assert broken(folders, ["test_it.py"]) == ["not_yours"]

    ini.write_text(ini.read_text() + "addopts = -k not_it\n")
    assert broken(folders) == ["options"]


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("create_async_engine(URL, pool_pre_ping=True)", "pool_pre_ping"),
        ("@pytest.mark.flaky(reruns=2)\ndef test_a(): ...", "reruns"),
        ("from nest_asyncio import apply", "nest_asyncio"),
        ("engines[id(asyncio.get_running_loop())] = 1", "id_of_loop"),
        ("key = id(loop)", "id_of_loop"),
        ("if old.is_closed(): ...", "is_closed"),
        ("def event_loop(): ...", "event_loop"),
    ],
)
def test_a_false_cure_is_recognised_by_its_syntax(folders, code, cure):
    (folders[0] / "test_it.py").write_text(TEST + code)
    assert [found.rule for found in rules.false_cures(*folders)] == [cure]

    (folders[0] / "test_it.py").write_text(TEST + f"# {code.splitlines()[0]}\n")
    assert list(rules.false_cures(*folders)) == []


def test_a_downgrade_is_recognised_by_the_versions_it_allows():
    allowed = ("pytest-asyncio>=0.26", "pytest-asyncio==1.5.0", "asyncpg<1", "-r other.txt")

    assert not any(map(rules.is_downgrade, allowed))
    assert rules.is_downgrade("asyncpg\npytest-asyncio==0.26.0  # for now\n")
    assert rules.is_downgrade("pytest-asyncio<1")


def test_an_answer_is_compared_by_what_matters():
    test = "test_store.py::test_one"

    assert truth.same("Motor", "motor")
    assert truth.same("BaseProtocol._on_waiter_completed", "BaseProtocol")
    assert truth.same("test_one", test)
    assert truth.same(f"workshop/mine/a/{test}", test)
    assert not truth.same("one", test)
    assert not truth.same("motors", "motor")
    assert not truth.same("", "")
    assert not truth.same("passed", None)


def test_progress_of_another_version_is_put_aside(learner):
    state.FILE.write_text(json.dumps({"schema_version": 99, "current": 7}))

    progress, told = state.read()

    assert progress == state.Progress()
    [kept] = learner.glob("progress-*.json")
    assert kept.name in told
    assert json.loads(kept.read_text())["current"] == 7
