"""The files under results/: whole or not at all."""

import json
import os

import pytest

from scripts.errors import CommandError
from scripts.run import results
from scripts.sides import manifest
from tests.support.runs import NO_RUNS, write_run


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("what an earlier run wrote", "utf-8")
    before = path.stat().st_ino

    results.write_json(path, {"side": "broken", "title": "后端"})

    written = {"schema_version": 1, "side": "broken", "title": "后端"}
    assert json.loads(path.read_text("utf-8")) == written
    assert path.stat().st_ino != before  # renamed into place: a reader never sees half of it
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_file_that_cannot_be_replaced_is_told_and_keeps_its_content(tmp_path):
    path = tmp_path / "run.json"
    path.mkdir()  # no file can be renamed onto a folder, whoever asks

    with pytest.raises(CommandError, match=r"cannot write .*run\.json"):
        results.write(path, "text")

    assert os.listdir(tmp_path) == ["run.json"]


def test_only_a_run_of_this_schema_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    path = results.folder("broken") / "run.json"

    assert results.read_run("broken") is None
    newer = '{"schema_version": 99, "side": "broken", "tests": []}'
    for text in (*NO_RUNS, '{"schema_version": 1, "tests": [', newer):
        path.write_text(text, "utf-8")
        assert results.read_run("broken") is None, text
    write_run(tmp_path, manifest.load(), "broken")
    run = results.read_run("broken")
    assert run is not None
    assert run.side == "broken"
