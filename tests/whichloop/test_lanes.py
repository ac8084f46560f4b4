"""The picture: a pure function from a recording to lines."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from whichloop.present.lanes import draw_lanes, needs_ascii

RECORDING = {
    "loops": [
        {"id": "A", "scope": "session", "runner": "pytest-asyncio", "born": 1, "closed": None},
        {"id": "B", "scope": "function", "runner": "pytest-asyncio", "born": 5, "closed": 9},
    ],
    "fixtures": [{"name": "test_db", "loop": "A", "tick": 2}],
    "tests": [{"name": "test_jobs.py::test_list", "loop": "B", "tick": 6}],
    "connections": [{"seq": 1, "label": "motor client", "type": "AsyncIOMotorClient"}],
    "crossings": [
        {
            "seq": 1,
            "bound_to": "A",
            "used_on": "B",
            "at": "test_jobs.py:2",
            "tick": 7,
            "bound": 3,
            "bound_at": "conftest.py:10",
        }
    ],
}


def test_a_lane_a_loop_with_what_ran_on_it_and_a_thread_that_crosses():
    assert draw_lanes(RECORDING) == [
        "A   session loop        ├─────────────●────────────────────────────────────────→",
        "                        test_db",
        "B   function loop                         test_list ├────────────✗─────────────┤",
        "motor client                          ●╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌✗",
        "    ● bound to A at conftest.py:10",
        "    ✗ used on B at test_jobs.py:2",
    ]


def test_the_picture_in_the_readme_is_this_one():
    readme = Path(__file__).parent.parent.parent / "whichloop" / "README.md"

    assert "\n".join(draw_lanes(RECORDING)) in readme.read_text("utf-8")


def test_plain_ascii_when_asked():
    strange = copy.deepcopy(RECORDING)
    strange["tests"][0]["name"] = "test_jobs.py::test_职位"

    lines = draw_lanes(strange, ascii=True)

    assert all(line.isascii() for line in lines)
    assert any("X" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("ascii", [True, False])
def test_no_line_is_wider_than_asked(width, ascii):
    wide = copy.deepcopy(RECORDING)
    wide["tests"][0]["name"] = "test_" + "x" * 300
    wide["crossings"][0]["at"] = "a/very/long/path/" * 20 + "x.py:1"
    for number in range(300):
        wide["tests"].append({"name": f"t::test_{number}", "loop": "A", "tick": 10 + number})

    assert max(map(len, draw_lanes(wide, width=width, ascii=ascii))) <= width


def test_of_many_loops_those_with_a_crossing_are_drawn():
    many = copy.deepcopy(RECORDING)
    for number in range(100):
        loop = {"id": f"L{number}", "scope": "function", "runner": "x", "born": 10, "closed": 11}
        many["loops"].append(loop)

    lines = draw_lanes(many)

    assert any(line.startswith("A ") for line in lines)
    assert any(line.startswith("B ") for line in lines)
    assert "… 98 more loops like L0, each ran no test" in lines


def test_no_loop_and_no_crossing_are_said():
    empty = {"loops": [], "fixtures": [], "tests": [], "connections": [], "crossings": []}
    healthy = RECORDING | {"crossings": []}

    assert draw_lanes(empty) == ["no event loop was seen"]
    assert draw_lanes(healthy)[-1] == "no object was used on another loop than its own"


def test_workers_have_lanes_of_their_own():
    two = copy.deepcopy(RECORDING)
    for rows in two.values():
        for row in list(rows):
            rows.append({**row, "worker": "gw1"})

    assert sum(line.startswith("A ") for line in draw_lanes(two)) == 2


def test_what_is_no_recording_is_refused():
    with pytest.raises(KeyError):
        draw_lanes({})
    with pytest.raises(ValueError, match="60 columns"):
        draw_lanes(RECORDING, width=20)


def many_tests() -> dict:
    """A session loop, whose clients six tests use on loops of their own, and nine quiet tests."""
    data: dict = {key: [] for key in RECORDING}
    data["loops"] = [RECORDING["loops"][0] | {"closed": 900}]
    for number in range(15):
        tick, name = 10 * number + 10, f"test_a.py::test_{number}"
        loop = {"id": f"L{number}", "scope": "function", "runner": "x"}
        data["loops"].append(loop | {"born": tick + 3, "closed": tick + 7})
        data["tests"].append({"name": name, "loop": loop["id"], "tick": tick + 4})
        data["fixtures"].append({"name": f"client_{number}", "loop": "A", "tick": tick})
        if number < 6:
            data["connections"].append({"seq": number, "label": "motor client"})
            crossing = RECORDING["crossings"][0] | {"seq": number, "during": name}
            ticks = {"bound": tick + 1, "tick": tick + 5}
            data["crossings"].append(crossing | ticks | {"used_on": loop["id"]})
    return data


def test_loops_that_did_the_same_are_drawn_twice_and_counted():
    lines = draw_lanes(many_tests())

    lanes = [line.split()[0] for line in lines if " loop " in line and "more loops" not in line]
    assert lanes == ["A", "L0", "L1", "L6", "L7"]
    assert "… 4 more loops like L0, each used a motor client of another loop" in lines
    quiet = "… 7 more loops like L6, each with one test that used nothing of another loop"
    assert quiet in lines
    assert len(lines) <= 20


def test_all_loops_are_drawn_when_asked():
    lines = draw_lanes(many_tests(), every=True, width=120)

    assert sum(" loop " in line for line in lines) == 16
    assert "    ✗ used on L0, L1, L2, L3, L4, L5 at test_jobs.py:2" in lines


def test_only_the_loops_of_the_tests_asked_for():
    lines = draw_lanes(many_tests(), tests=["test_a.py::test_3"])

    lanes = [line.split()[0] for line in lines if " loop " in line]
    assert lanes == ["A", "L3"]
    assert "    ✗ used on L3 at test_jobs.py:2" in lines
    assert "… 14 more loops not drawn here" in lines
    # The session loop's lane names the fixture that made the client, not the fourteen others.
    assert lines[1].split("…")[0].split() == ["client_3"]


def test_an_object_that_two_probes_saw_is_one_thread():
    twice = copy.deepcopy(RECORDING)
    twice["connections"].append(twice["connections"][0] | {"seq": 2})
    twice["crossings"].append(twice["crossings"][0] | {"seq": 2, "bound": 4, "tick": 8})

    lines = draw_lanes(twice)

    assert sum(line.startswith("motor client") for line in lines) == 1
    assert sum("used on B" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("encoding", "needed"), [("utf-8", False), ("ascii", True), ("latin-1", True), (None, True)]
)
def test_a_terminal_that_cannot_show_the_signs_gets_plain_ones(encoding, needed):
    assert needs_ascii(encoding) is needed
