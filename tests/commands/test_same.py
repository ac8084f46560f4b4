"""same: the outcomes of several results folders, test by test."""

import json
from pathlib import Path
from typing import Any

from tests.support.commands import in_process
from tests.support.runs import entry, run_of

FAILED = {"kind": "different_loop", "driver": "motor"}


def write(folder: Path, *tests: dict[str, Any]) -> str:
    side = folder / "broken"
    side.mkdir(parents=True)
    server = {"product": "PostgreSQL", "version": "18.4"}
    more = {"backend": folder.name, "servers": {"mongodb": None, "postgres": server}}
    data = {"schema_version": 1, **run_of(*tests, **more).to_data()}
    (side / "run.json").write_text(json.dumps(data), "utf-8")
    return str(folder)


def test_equal_outcomes_are_said_to_be_so_with_the_servers(tmp_path):
    folders = [
        write(tmp_path / name, entry("t.py::a", "passed"), entry("t.py::b", "failed", **FAILED))
        for name in ("embedded", "compose")
    ]

    out = in_process("same", *folders).must_exit(0).out

    assert "2 outcomes on embedded (PostgreSQL 18.4)" in out
    assert "Equal: each test has the same outcome and kind" in out


def test_each_difference_is_shown(tmp_path):
    other = FAILED | {"kind": "loop_closed"}
    passed, failed = entry("t.py::a", "passed"), entry("t.py::b", "failed", **FAILED)
    first = write(tmp_path / "embedded", passed, failed)
    second = write(tmp_path / "compose", entry("t.py::b", "failed", **other))

    out = in_process("same", first, second).must_exit(1).out

    assert "broken::t.py::a" in out
    assert "compose: not run" in out
    assert "embedded: failed different_loop motor RuntimeError" in out
    assert "compose: failed loop_closed motor RuntimeError" in out
    assert "2 of 2 tests differ" in out


def test_a_folder_without_a_run_is_no_equality(tmp_path):
    folder = write(tmp_path / "embedded", entry("t.py::a", "passed"))

    assert "no side was run into" in in_process("same", folder, str(tmp_path)).must_exit(2).err
    assert "two results folders or more" in in_process("same", folder).must_exit(2).err
