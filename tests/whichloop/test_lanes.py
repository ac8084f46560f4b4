"""The picture: a pure function from recordings to lines."""

from pathlib import Path

import pytest
from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.records import (
    NOBODY,
    Actor,
    Crossing,
    LoopRecord,
    ObjectRecord,
    Ran,
    Recording,
    Site,
)


def loop(name, scope, born, closed=None, runner="pytest-asyncio"):
    return LoopRecord(name, "asyncio.Loop", runner, scope, "MainThread", NOBODY, None, born, closed)


def ran(kind, name, on, tick):
    return Ran(kind, name, on, tick, outcome="passed")


CLIENT = ObjectRecord(1, "motor", "motor client", "AsyncIOMotorClient")
CROSSING = Crossing(
    1,
    "A",
    "B",
    Site("test_jobs.py", 2),
    Actor("test", "test_jobs.py::test_list"),
    "test_jobs.py::test_list",
    7,
    Site("conftest.py", 10),
    3,
)
RECORDING = Recording(
    (loop("A", "session", 1), loop("B", "function", 5, 9)),
    (CLIENT,),
    (CROSSING,),
    (ran("fixture", "test_db", "A", 2), ran("test", "test_jobs.py::test_list", "B", 6)),
)


def draw(recording, **options):
    return draw_lanes([recording], **options)


def test_a_lane_a_loop_with_what_ran_on_it_and_a_thread_that_crosses():
    assert draw(RECORDING) == [
        "A   session loop        ├─────────────●────────────────────────────────────────→",
        "                        test_db",
        "B   function loop                         test_list ├────────────✗─────────────┤",
        "motor client                          ●╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌✗",
        "    ● bound to A at conftest.py:10",
        "    ✗ used on B at test_jobs.py:2",
    ]


def test_the_picture_in_the_readme_is_this_one():
    readme = Path(__file__).parent.parent.parent / "whichloop" / "README.md"

    assert "\n".join(draw(RECORDING)) in readme.read_text("utf-8")


def test_plain_ascii_when_asked():
    strange = RECORDING._replace(ran=(ran("test", "test_jobs.py::test_职位", "B", 6),))

    lines = draw(strange, ascii=True)

    assert all(line.isascii() for line in lines)
    assert any("X" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("ascii", [True, False])
def test_no_line_is_wider_than_asked(width, ascii):
    wide = RECORDING._replace(
        crossings=(CROSSING._replace(at=Site("a/very/long/path/" * 20 + "x.py", 1)),),
        ran=(
            ran("test", "test_" + "x" * 300, "B", 6),
            *(ran("test", f"t::test_{number}", "A", 10 + number) for number in range(300)),
        ),
    )

    assert max(map(len, draw(wide, width=width, ascii=ascii))) <= width


def test_of_many_loops_those_with_a_crossing_are_drawn():
    more = [loop(f"L{number}", "function", 10, 11, "x") for number in range(100)]
    many = RECORDING._replace(loops=(*RECORDING.loops, *more))

    lines = draw(many)

    assert any(line.startswith("A ") for line in lines)
    assert any(line.startswith("B ") for line in lines)
    assert "… 98 more loops like L0, each ran no test" in lines


def test_no_loop_and_no_crossing_are_said():
    empty = Recording()
    healthy = RECORDING._replace(crossings=())

    assert draw(empty) == ["no event loop was seen"]
    assert draw(healthy)[-1] == "no object was used on another loop than its own"


def test_workers_have_lanes_of_their_own():
    lines = draw_lanes([Recording(), RECORDING, RECORDING])

    assert sum(line.startswith("A ") for line in lines) == 2


def test_a_width_that_holds_no_picture_is_refused():
    with pytest.raises(ValueError, match="60 columns"):
        draw(RECORDING, width=20)


def many_tests() -> Recording:
    """A session loop, whose clients six tests use on loops of their own, and nine quiet tests."""
    loops, rows, objects, crossings = [loop("A", "session", 1, 900)], [], [], []
    for number in range(15):
        tick, name, on = 10 * number + 10, f"test_a.py::test_{number}", f"L{number}"
        loops.append(loop(on, "function", tick + 3, tick + 7, "x"))
        rows.append(ran("test", name, on, tick + 4))
        rows.append(ran("fixture", f"client_{number}", "A", tick))
        if number < 6:
            objects.append(CLIENT._replace(seq=number))
            crossings.append(
                CROSSING._replace(
                    seq=number, during=name, bound=tick + 1, tick=tick + 5, used_on=on
                )
            )
    return Recording(tuple(loops), tuple(objects), tuple(crossings), tuple(rows))


def test_loops_that_did_the_same_are_drawn_twice_and_counted():
    lines = draw(many_tests())

    lanes = [line.split()[0] for line in lines if " loop " in line and "more loops" not in line]
    assert lanes == ["A", "L0", "L1", "L6", "L7"]
    assert "… 4 more loops like L0, each used a motor client of another loop" in lines
    quiet = "… 7 more loops like L6, each with one test that used nothing of another loop"
    assert quiet in lines
    assert len(lines) <= 20


def test_all_loops_are_drawn_when_asked():
    lines = draw(many_tests(), every=True, width=120)

    assert sum(" loop " in line for line in lines) == 16
    assert "    ✗ used on L0, L1, L2, L3, L4, L5 at test_jobs.py:2" in lines


def test_only_the_loops_of_the_tests_asked_for():
    lines = draw(many_tests(), tests=["test_a.py::test_3"])

    lanes = [line.split()[0] for line in lines if " loop " in line]
    assert lanes == ["A", "L3"]
    assert "    ✗ used on L3 at test_jobs.py:2" in lines
    assert "… 14 more loops not drawn here" in lines
    # The session loop's lane names the fixture that made the client, not the fourteen others.
    assert lines[1].split("…")[0].split() == ["client_3"]


def test_an_object_that_two_probes_saw_is_one_thread():
    twice = RECORDING._replace(
        objects=(CLIENT, CLIENT._replace(seq=2)),
        crossings=(CROSSING, CROSSING._replace(seq=2, bound=4, tick=8)),
    )

    lines = draw(twice)

    assert sum(line.startswith("motor client") for line in lines) == 1
    assert sum("used on B" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("encoding", "needed"), [("utf-8", False), ("ascii", True), ("latin-1", True), (None, True)]
)
def test_a_terminal_that_cannot_show_the_signs_gets_plain_ones(encoding, needed):
    assert needs_ascii(encoding) is needed
