"""Many failures of one cause: a line under each, and the cause told once at the end."""

import io
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Run, ini, run_suite
from whichloop.cli import main

QUEUES = """
import asyncio
from functools import lru_cache

@lru_cache
def first():
    return asyncio.Queue()

@lru_cache
def second():
    return asyncio.Queue()
"""
# The first test of a queue binds it; every other one finds it bound to a loop that is closed.
FORTY = """
import asyncio
import pytest
from queues import {name}

@pytest.mark.parametrize("n", range({times}))
async def test_{name}(n):
    try:
        await asyncio.wait_for({name}().get(), 0.001)
    except TimeoutError:
        pass
"""
FILES = {
    "ini": ini("function"),
    "queues": QUEUES,
    "test_a": FORTY.format(name="first", times=40),
    "test_b": FORTY.format(name="second", times=3),
}


def ended(run: Run) -> str:
    """What the end of the run tells of causes."""
    return run.out.partition("- whichloop: ")[2].partition("short test summary")[0]


@pytest.mark.parametrize("options", [[], ["-q"], ["--tb=no"], ["--tb=short", "-n2"]], ids=" ".join)
def test_forty_failures_of_two_causes_are_told_twice(options, tmp_path):
    run = run_suite(tmp_path / "suite", *options, **FILES)

    told = ended(run)
    failures = len(run.failed)
    assert failures == 41 or "-n2" in options  # each worker has a first test
    assert told.startswith(f"2 causes behind {failures} failures -")
    assert max(len(part.splitlines()) for part in told.split("\n\n")) <= 26  # with the title
    assert told.count("\nLet ") == told.count("\nCure ") == 2
    assert all(f"kept by functools cache {name}" in told for name in ("first", "second"))
    assert f"({failures} of {failures} failures)" in " ".join(told.split())
    lines = [line for line in run.out.splitlines() if line.startswith("whichloop: cause ")]
    assert len(lines) == (0 if "--tb=no" in options else failures)
    what = "object outlives its loop: asyncio Queue asyncio.queues.Queue"
    assert set(lines) <= {f"whichloop: cause {number} (WL003), {what}" for number in (1, 2)}


@pytest.mark.parametrize("mode", ["explain", "strict"])
def test_a_report_in_xml_has_the_code_of_each_failure(mode, tmp_path):
    report = tmp_path / "report.xml"
    options = ["-x", "--maxfail=2", f"--whichloop={mode}", f"--junitxml={report}"]

    run = run_suite(tmp_path / "suite", *options, **FILES)

    values = [node.get("value") or "" for node in ElementTree.parse(report).iter("property")]
    assert len(values) == len(run.failed) == 2
    assert all(value.startswith("WL003 object outlives its loop: ") for value in values)


@pytest.mark.parametrize(
    ("file", "heading", "quote"),
    [("pyproject.toml", "[tool.pytest.ini_options]", '"'), ("setup.cfg", "[tool:pytest]", "")],
)
def test_a_cure_names_the_file_that_is_in_force(file, heading, quote, tmp_path):
    (tmp_path / file).write_text(f"{heading}\nasyncio_mode = {quote}auto{quote}\n")

    run = run_suite(tmp_path, **{name: text for name, text in FILES.items() if name != "ini"})

    change = f"asyncio_default_test_loop_scope = {quote}session{quote} (in {file})"
    assert change in " ".join(ended(run).split())


def test_a_code_is_explained_without_a_failure_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)

    assert (main(["explain", "WL003"]), main(["explain", "WL999"])) == (0, 2)
    output = capsys.readouterr()
    assert "WL003 object outlives its loop: " in output.out
    assert "there is no WL999; the codes are WL001, WL002" in output.err
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert main(["explain", "WL001"]) == 0
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "WL003").write_text("")
    assert main(["explain", "WL003"]) == 2
    assert "WL003 is empty" in capsys.readouterr().err
