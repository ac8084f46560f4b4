"""The picture: a pure function from a recording to lines."""

from __future__ import annotations

import copy

import pytest
from whichloop.lanes import draw_lanes

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
        "A   session loop        ├─────────────────●────────────────────────────────────→",
        "                                 test_db",
        "B   function loop                                   ├─────────────────✗────────┤",
        "                                                             test_list",
        "motor client                              ●╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌✗",
        "    ● bound to A at conftest.py:10",
        "    ✗ used on B at test_jobs.py:2",
    ]


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
    assert lines[-1] == "100 more loops are not drawn"


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
