"""The zoo's first cures, as whichloop words them on each version of pytest-asyncio, applied there.

    python tests/whichloop/tried.py [09_redis_module_client …]

Under ``[cured]`` a suite's ``expected.toml`` has what ran it and on which families of versions its
first cure is the one that is printed first there, too, and cures; ``whichloop/diagnose/tried.toml``
is drawn from these. To be run for a new version, or where a cure has a new text: whichloop knows
a cure that was tried by its text.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from site import getsitepackages
from typing import Any

from conftest import ROOT, STARTERS, ZOO, run_pytest
from whichloop.diagnose.case import Case, change_of
from whichloop.diagnose.cures import FAMILIES
from whichloop.recording import of_json

from tests.support import environments

PINS = sorted(path.stem for path in (ROOT / "requirements/versions").glob("pytest-asyncio-*.txt"))
TABLE = ROOT / "whichloop" / "src" / "whichloop" / "diagnose" / "tried.toml"
HEAD = "# Drawn by tests/whichloop/tried.py: what was changed; by driver, what ran the suite.\n"
MARKED = """
import pytest
import pytest_asyncio

def pytest_collection_modifyitems(items):
    for item in items:
        if pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio({}), append=False)
"""
SESSION_LOOP = """
@pytest.fixture(scope="session")
def event_loop(_session_event_loop):
    return _session_event_loop
"""
OWN_LOOP = """
import asyncio
import pytest

@pytest.fixture(scope="session")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
"""


def expectation(name: str) -> dict[str, Any]:
    return tomllib.loads((ZOO / name / "expected.toml").read_text())


def patched(folder: Path, patch: str) -> None:
    """Apply a patch with git, and outside any repository: no other patch program is needed."""
    apply = ["git", "apply", "--unsafe-paths", f"{patch}.patch"]
    subprocess.run(apply, cwd=folder, check=True)


def applied(folder: Path, change: str) -> None:
    """The suite's patch (older versions do not know its options), and what the text says of a
    conftest.py."""
    patched(folder, "cure")
    marks = re.search(r"pytest\.mark\.asyncio\((.*?)\), append", change)
    texts = [MARKED.format(marks[1])] if marks else []
    texts += [SESSION_LOOP] * ("_session_event_loop" in change)
    texts += [OWN_LOOP] * ("redefine event_loop" in change)
    with (folder / "conftest.py").open("a") as file:
        file.write("".join(texts))


def is_cured(name: str, python: str, folder: Path, env: dict[str, str]) -> bool | None:
    """Does the first cure that is printed there cure? None where it is not the suite's own, as
    where the suite needs a newer version."""
    copies = [folder / step / name for step in ("before", "after")]
    for copy in copies:
        shutil.copytree(ZOO / name, copy)
    run = run_pytest(copies[0], env=env, python=python)
    cure = next((cure for found in run.findings for cure in found["cures"]), {})
    if cure.get("id") != expectation(name)["finding"]["first_cure"]:
        return None
    applied(copies[1], cure["change"])
    return run_pytest(copies[1], env=env, python=python).code == 0


def family(version: str) -> str:
    numbers = tuple(int(number) for number in version.split("."))
    return next(name for least, name in FAMILIES if numbers >= least)


def table() -> str:
    """tried.toml, drawn from what the suites expect."""
    rows: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    versions = {name: least for least, name in FAMILIES}
    for folder in sorted(ZOO.glob("[0-9]*/")):
        expected = expectation(folder.name)
        row = expected.get("cured", {})
        for name in row.get("on", [""] * ("runner" in row)):
            cure = expected["finding"]["first_cure"]
            change = change_of(cure, row.get("words", {}), versions.get(name, (99,)))
            driver = row.get("driver", expected["driver"])
            rows[change][driver].add(f"{row['runner']} {name}".strip())
    text = HEAD
    for change, drivers in sorted(rows.items()):
        lines = (f"{driver} = {json.dumps(sorted(on))}\n" for driver, on in sorted(drivers.items()))
        text += f"\n[{json.dumps(change, ensure_ascii=False)}]\n{''.join(lines)}"
    return text


def note(name: str, env: dict[str, str], environment: Any, folder: Path) -> None:
    """Write the suite's ``[cured]`` anew."""
    run = run_pytest(Path(shutil.copytree(ZOO / name, folder / "now" / name)), env=env)
    (recording,) = of_json(run.record)
    found = next(found for found in recording.findings if found.cures)
    case = Case(recording.settings, found.object, found.bound_loop, found.using_loop)
    lines = [f'runner = "{case.runner}"']
    if case.runner == "pytest-asyncio":
        passed = defaultdict(set, {family(recording.settings.pytest_asyncio or ""): {True}})
        for pins in PINS:
            cured = is_cured(name, environment(pins), folder / pins, env)
            passed[family(pins.rpartition("-")[2])].add(cured)
        on = [name for _, name in FAMILIES if passed[name] - {None} == {True}]
        lines.append(f"on = {json.dumps(on)}")
    expected = expectation(name)
    driver = case.thing.driver or "none"
    lines += [f'driver = "{driver}"'] * (driver != expected["driver"])
    words = expected.get("cured", {}).get("words", {})
    pairs = ", ".join(f'{word} = "{value}"' for word, value in words.items())
    lines += [f"words = {{{pairs}}}"] * bool(words)
    file = ZOO / name / "expected.toml"
    text = re.sub(r"\n\[cured\]\n[^\[]*", "\n", file.read_text()).rstrip("\n")
    file.write_text(text + "\n[cured]\n" + "\n".join(lines) + "\n")
    print(name, *lines, flush=True)


def main(names: list[str]) -> None:
    TABLE.write_text("")  # it changes which cure is the first
    sick = [path.name for path in sorted(ZOO.glob("[0-9]*/")) if (path / "cure.patch").exists()]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        start = cache(lambda starter: stack.enter_context(starter()))

        @cache
        def environment(pins: str) -> str:
            below = Path(getsitepackages()[0])
            return environments.make(base / "venvs" / pins, sys.executable, pins, below=below)

        for name in names or sick:
            needs = [start(STARTERS[need]) for need in expectation(name)["needs"]]
            env = {key: url for urls in needs for key, url in urls.items()}
            note(name, env, environment, base / "runs" / name)
    TABLE.write_text(table(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
