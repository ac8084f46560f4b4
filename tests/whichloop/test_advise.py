"""`whichloop advise`: a cure as a diff of the project's own configuration, tried by the audit."""

import re
import shutil
import subprocess
import textwrap
import tomllib

import pytest
from conftest import ZOO, ini, run_pytest
from whichloop.cli import main
from whichloop.ini import edited, options_of
from whichloop.options import candidates, repaired
from whichloop.records import FIXTURE_SCOPE, TEST_SCOPE, Settings

from tests.support import commands
from whichloop import tree

FIXTURE, TEST = f"{FIXTURE_SCOPE} = session\n", f"{TEST_SCOPE} = session\n"
BOTH = FIXTURE + TEST
SCOPES = [FIXTURE_SCOPE, TEST_SCOPE]
# Several tests over one cached engine, which connects to nothing while it is audited.
DB = """
import os
from functools import lru_cache
from sqlalchemy.ext.asyncio import create_async_engine

@lru_cache
def get_engine():
    return create_async_engine("postgresql+asyncpg:" + os.environ.get("WL_POSTGRES", "//"))
"""
FORTY = """
import pytest
import sqlalchemy
from db import get_engine

@pytest.mark.parametrize("n", range(40))
async def test_rows(n):
    async with get_engine().connect() as connection:
        assert await connection.scalar(sqlalchemy.text("select 1")) == 1
"""
HEALTHY = "async def test_a(): ...\nasync def test_b(): ...\n"
TWO = """
import pytest
import redis.asyncio

cache = redis.asyncio.Redis()

@pytest.mark.asyncio
@pytest.mark.parametrize("n", range(2))
async def test_get(n):
    await cache.get("a")
"""


CURES = {path.parent.name: path.read_text() for path in ZOO.glob("*/cure.patch")}
FILES = {name: re.findall(r"^\+\+\+ b/(.*)", text, re.M) for name, text in CURES.items()}
BY_INI = sorted(name for name, files in FILES.items() if files == ["pytest.ini"])
# Its patch changes the fixture, too; the options alone do as much.
BY_INI += ["27_fixture_cached_longer_than_loop"]
BY_CODE = ["10_redis_marked_session_test", "53_redis_loop_scope_below_cache"]


@pytest.fixture(autouse=True)
def lean(monkeypatch):
    """Plugins that came with our own tests make each audit slower, and no user has them."""
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(commands.NOT_LOADED))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A function (files): a folder with these files, in which the command then works."""
    folder = tmp_path / "project"

    def make(files):
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_bytes(textwrap.dedent(text).encode())
        monkeypatch.chdir(folder)
        return folder

    return make


@pytest.fixture
def advise(capsys):
    """A function (*arguments): exit status, output, and errors of `whichloop advise`."""

    def run(*arguments):
        status = main(["advise", *map(str, arguments)])
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        return status, output.out, output.err

    return run


def git(*words):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def text_of(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", BY_INI)
def test_applied_it_cures_what_a_line_of_the_configuration_cures(
    name, tmp_path, urls_of, monkeypatch, advise
):
    expected = tomllib.loads((ZOO / name / "expected.toml").read_text())
    folder, urls = tmp_path / name, urls_of(*expected["needs"])
    shutil.copytree(ZOO / name, folder)
    for key, url in urls.items():
        monkeypatch.setenv(key, url)
    options = []
    if advise(folder)[1].startswith("Fine"):  # but a run shows it
        assert run_pytest(folder, env=urls).code == 1
        options = ["--recording", tmp_path / f"{name}-recording.json"]

    status, out, _ = advise(folder, "--apply", *options)

    assert (status, out.count("\n+++ b/pytest.ini\n")) == (0, 1), out
    run = run_pytest(folder, env=urls)
    assert (run.code, run.findings) == (0, []), run.out
    assert len(BY_INI) >= 17


def test_forty_tests_over_one_cached_engine_turn_green(project, urls_of, monkeypatch, advise):
    url = urls_of("postgres")
    monkeypatch.setenv("WL_POSTGRES", url["WL_POSTGRES"])
    folder = project({"db.py": DB, "test_a.py": FORTY, "pytest.ini": ini("function")})
    assert len(run_pytest(folder, env=url).failed) >= 30

    status, out, _ = advise("--apply")

    assert status == 0
    assert f"+{FIXTURE}" in out
    assert "db.py: get_engine may keep one SQLAlchemy AsyncEngine" in " ".join(out.split())
    assert "goes on in the tests after it" in " ".join(out.split())
    assert run_pytest(folder, env=url).code == 0
    assert advise("--apply")[1].startswith("Fine   nothing to do")


@pytest.mark.parametrize("name", BY_CODE)
def test_it_refuses_what_only_code_cures_and_says_what_to_do(name, advise, monkeypatch, tmp_path):
    monkeypatch.setenv("WL_REDIS", "redis://127.0.0.1:1")
    shutil.copytree(ZOO / name, tmp_path / name)
    before = text_of(tmp_path / name)

    status, out, _ = advise(tmp_path / name, "--apply")

    assert status == 1
    assert out.startswith("No     no line of a configuration file is a sure cure")
    assert "by hand: " in out
    assert ("loop_scope=" in out, "whichloop explain WL001" in out) == (True, True)
    assert text_of(tmp_path / name) == before


def test_what_the_change_leaves_is_told(advise, monkeypatch):
    monkeypatch.setenv("WL_MONGO", "mongodb://127.0.0.1:1")

    status, out, _ = advise(ZOO / "51_pymongo_run_in_setup_method")

    assert status == 0
    assert "Leaves test_jobs.py:17: asyncio.run opens a loop, which no option moves" in out


def test_a_healthy_project_hears_that_there_is_nothing_to_do(project, advise):
    folder = project({"pytest.ini": ini("function"), "test_a.py": HEALTHY})

    status, out, err = advise("--apply")

    assert (status, err) == (0, "")
    assert out.startswith("Fine   nothing to do: no trouble is foreseen in 2 collected tests\n")
    assert set(text_of(folder)) == {"pytest.ini", "test_a.py"}


# The file in force, what is in it, and what is in it afterwards.
FORMS = [
    ("none.txt", "", None),
    ("pytest.ini", "# a\r\n[pytest]\r\nasyncio_mode = auto  \r\n; b\r\naddopts =\r\n  -q\r\n", 3),
    ("tox.ini", "[tox]\nx=1\n[pytest]\nasyncio_mode=auto\n\n[other]\nasyncio_mode=strict", 4),
    ("setup.cfg", "[a]\nb = 1\n\n[tool:pytest]\n; first\nasyncio_mode: auto\n", 6),
    (
        "pyproject.toml",
        '[tool.pytest.ini_options]  # why\naddopts = [\n  "-q",  # quiet\n]\n'
        'asyncio_mode = "auto"  # all\n\n[tool.black]\nx = [\n  ["a"],\n]\n',
        5,
    ),
    ("pyproject.toml", '[project]\nname = "a"\nversion = "1"', None),
    ("pyproject.toml", '[tool.pytest]\nasyncio_mode = "auto"\n', 2),
    ("pytest.toml", '[pytest]\nasyncio_mode = "auto"\n', 2),
]


@pytest.mark.parametrize(("file", "text", "after"), FORMS)
def test_the_file_in_force_gets_two_lines_and_keeps_all_others(file, text, after, project, advise):
    folder = project({file: text, "test_a.py": TWO})

    status, out, _ = advise("--apply")

    assert status == 0, out
    name = file if text else "pytest.ini"
    new = (folder / name).read_bytes().decode()
    assert [options_of(name, new)[option] for option in SCOPES] == ["session", "session"]
    added = [line for line in out.splitlines() if line.startswith("+") and line[1:4] != "++ "]
    old, lines = text.splitlines(), new.splitlines()
    if after is not None:
        assert lines[:after] + lines[after + 2 :] == old
        assert ("\r\n" in text) == (new.count("\r\n") == new.count("\n"))
        assert len(added) == 2 or not text.endswith("\n")
    else:
        assert lines[: len(old)] == old
        assert lines[-3].startswith("[")
    (folder / "part").mkdir()
    assert advise("part")[1].startswith("Fine ")


REPAIRS = [  # what stands there, and what is to stand there
    (f"asyncio_mode = session\n{BOTH}", f"asyncio_mode = auto\n{BOTH}"),
    (f"asyncio_mode = Auto ; all\n{BOTH}", f"; all\nasyncio_mode = auto\n{BOTH}"),
    (f"asyncio_mode = auto\n{FIXTURE_SCOPE} = sesion\n{TEST}", f"asyncio_mode = auto\n{BOTH}"),
    (
        f"asyncio_mode = auto\nasyncio_default_tests_loop_scope = session\n{FIXTURE}",
        f"asyncio_mode = auto\n{TEST}{FIXTURE}",
    ),
    (
        f"strict = true\nasyncio_mode = auto\nasyncio_fixture_loop_scope = session\n{TEST}",
        f"strict = true\nasyncio_mode = auto\n{FIXTURE}{TEST}",
    ),
    (
        f"asyncio_mode = auto\naddopts = -q --strict-config\n{BOTH}asyncio_modes = auto\n",
        f"asyncio_mode = auto\naddopts = -q --strict-config\n{BOTH}",
    ),
    (f"asyncio_mode = auto\n{FIXTURE}", f"asyncio_mode = auto\n{FIXTURE}{TEST}"),
    (f"asyncio_mode = auto\n{TEST}", f"asyncio_mode = auto\n{TEST}{FIXTURE}"),
]


@pytest.mark.parametrize(("wrong", "right"), REPAIRS)
def test_options_that_are_half_set_or_do_not_exist_are_repaired(wrong, right, project, advise):
    folder = project({"test_a.py": TWO, "pytest.ini": f"[pytest]\n{wrong}"})

    status, out, _ = advise("--apply")

    assert status == 0, out
    assert (folder / "pytest.ini").read_text() == f"[pytest]\n{right}"
    assert advise()[1].startswith("Fine ")


def test_half_set_options_without_trouble_move_no_test(project, advise):
    text = "[pytest]\nasyncio_mode = auto\n"
    folder = project({"pytest.ini": text + FIXTURE, "test_a.py": HEALTHY})

    assert advise()[1].startswith("Fine ")
    (folder / "pytest.ini").write_text(text + TEST)
    assert advise("--apply")[0] == 0
    assert (folder / "pytest.ini").read_text() == text + TEST + FIXTURE


def test_options_are_those_of_the_installed_version():
    def of(version, options):
        return repaired(options, Settings(pytest="8.3.5", pytest_asyncio=version))[0]

    assert of("0.24.0", {TEST_SCOPE: "session"}) == {}  # of a later one, and no mistake in writing
    assert of("0.26.0", {"asyncio_test_loop_scope": "session"}) == {
        "asyncio_test_loop_scope": None,
        TEST_SCOPE: "session",
    }
    assert of("", {"asyncio_mode": "session"}) == {}
    old = Settings("3.11", "8.3.5", "0.24.0", "auto", "session", "function")
    assert candidates({}, old, True) == [{FIXTURE_SCOPE: "function"}]
    assert candidates({}, old._replace(pytest_asyncio="0.21.2"), True) == []
    new = old._replace(pytest_asyncio="1.5.0", fixture_loop_scope="module")
    assert candidates({}, new, True) == [
        {TEST_SCOPE: "module"},
        {FIXTURE_SCOPE: "function"},
        {FIXTURE_SCOPE: "session", TEST_SCOPE: "session"},
    ]


def test_an_unclear_option_and_lines_that_cannot_be_changed_alone_are_refused(project, advise):
    folder = project({"pytest.ini": f"[pytest]\n{FIXTURE_SCOPE} = mine\n", "test_a.py": HEALTHY})

    status, out, _ = advise("--apply")

    assert status == 1
    assert "knows function, class, module, package, session, " in " ".join(out.split())
    assert (folder / "pytest.ini").read_text().endswith("= mine\n")
    toml = 'tool.pytest.ini_options.asyncio_mode = "auto"\n'
    for file, text in [("pytest.ini", "[pytest]\nasyncio_mode =\n  auto\n"), ("a.toml", toml)]:
        with pytest.raises(ValueError, match="one by one"):
            edited(file, text, {"asyncio_mode": "strict"})


def test_into_a_clean_git_tree_only(project, advise):
    folder = project({"test_a.py": TWO, "pytest.ini": ini("function")})
    for words in (["init"], ["add", "."], ["commit", "-m", "all"]):
        git(*words)
    (folder / "a.pyc").write_text("left by a run")
    (folder / "test_a.py").write_text(f"{TWO}\n# changed\n")
    before = text_of(folder)

    status, out, err = advise("--apply")

    assert (status, text_of(folder)) == (2, before)
    assert "commit or stash what git shows as changed: M test_a.py" in err
    assert f"+{TEST}" in out
    git("checkout", "test_a.py")
    assert advise("--apply")[0] == 0
    assert set(text_of(folder)) == set(before)  # git has what was there: no copy
    assert f"\n{BOTH}" in (folder / "pytest.ini").read_text()


def test_without_git_what_was_there_is_kept_under_the_name_that_is_told(project, advise):
    folder = project({"test_a.py": TWO, "pytest.ini": ini("function"), "pytest.ini.orig": "mine"})

    out = advise("--apply")[1]

    assert "what it was is in" in out
    assert out.endswith("pytest.ini.orig1\n")
    assert (folder / "pytest.ini.orig1").read_text() == ini("function")
    assert (folder / "pytest.ini.orig").read_text() == "mine"


def test_what_cannot_be_written_is_left_whole(project, advise, monkeypatch):
    folder = project({"test_a.py": TWO, "pytest.ini": ini("function")})
    before = text_of(folder)

    def full(*_):
        raise OSError(28, "No space left on device", "pytest.ini")

    monkeypatch.setattr(tree.os, "replace", full)

    status, _, err = advise("--apply")

    assert (status, text_of(folder)) == (2, before)
    assert "No space left on device" in err


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"pytest.ini": "[pytest]\nnot a line\n"}, "pytest.ini:2: unexpected line"),
        ({"pyproject.toml": "[tool.pytest\n"}, "pyproject.toml"),
        ({"test_a.py": "import nothing_of_that_name\n"}, "test_a.py"),
        ({"conftest.py": "raise RuntimeError('broken')\n"}, "broken"),
        ({"pytest.ini": "[pytest]\naddopts = -p no:whichloop\n"}, "--whichloop-audit"),
    ],
)
def test_what_pytest_cannot_collect_is_said_in_its_words(files, words, project, advise):
    folder = project(files)

    status, out, err = advise("--apply")

    assert (status, out) == (2, "")
    assert "nothing is foreseen. pytest says: " in err
    assert words in err
    assert text_of(folder) == files


def test_other_bad_input_gets_plain_words(tmp_path, project, advise):
    assert "there is no folder" in advise(tmp_path / "none")[2]
    folder = project({"test_a.py": HEALTHY, "bad.json": "{}"})
    assert advise(folder / "test_a.py")[0] == 2
    status, _, err = advise("--recording", "bad.json")
    assert status == 2
    assert "bad.json: it is not a recording" in err
    assert advise("--recording", "none.json")[0] == 2
