"""The command, with good and with bad input."""

import io
import json

import pytest
from whichloop.cli import main
from whichloop.diagnose.causes import REPEATED
from whichloop.logs import read_log
from whichloop.recording import to_json
from whichloop.records import Recording

RAN = {"kind": "test", "name": "t", "loop": "A", "tick": 7}
MISMATCH = """
platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.7.0
asyncio: mode=Mode.AUTO, debug=False, asyncio_default_fixture_loop_scope=session, \
asyncio_default_test_loop_scope=function
plugins: anyio-4.16.0, asyncio-1.5.0
E   RuntimeError: Task <Task pending name='Task-5' coro=<test_list() running>> got Future \
<Future pending cb=[_chain_future.<locals>._call_check_cancel()]> attached to a different loop
"""


@pytest.fixture
def explain(tmp_path, capsys):
    def go(content: bytes | str):
        path = tmp_path / "ci.log"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        code = main(["explain", str(path)])
        out = capsys.readouterr()
        return code, " ".join(out.out.split()), out.err

    return go


def test_a_log_gives_the_cause_how_sure_and_the_cures(explain):
    code, out, _ = explain(MISMATCH)

    assert code == 0
    assert "In motor" in out
    assert "So loop scope mismatch" in out
    assert "Sure likely" in out
    assert "fixture loop scope session, test loop scope function" in out
    assert "asyncio_default_test_loop_scope = session" in out


def test_a_log_that_is_cut_off_or_coloured_is_read_as_far_as_it_goes(explain):
    code, out, _ = explain("\x1b[31m" + MISMATCH[-220:] + "\x1b[0m\nE   RuntimeErr")

    assert code == 0
    assert "possible: the log does not show the loop scopes" in out


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", 2, "is empty"),
        (b"  \n", 2, "is empty"),
        (b"\x7fELF\x00\x01\x02" * 50, 2, "is not text"),
        (bytes(range(128, 256)) * 20, 2, "is not text"),
        (b"1 passed in 0.1s\n", 1, "no message of several event loops"),
    ],
)
def test_bad_input_gets_plain_words(explain, content, code, words):
    got, out, err = explain(content)

    assert (got, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_a_missing_file_and_a_recording_that_is_none(tmp_path, capsys):
    assert main(["explain", str(tmp_path / "none")]) == 2
    wrong = tmp_path / "wrong.json"
    for text in ("{}", "[]", "not json", '{"loops": 3}'):
        wrong.write_text(text)
        assert main(["lanes", str(wrong)]) == 2
    err = capsys.readouterr().err
    assert "cannot read" in err
    assert err.count("is not a recording") == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 0}, "it has the form 0, and this whichloop reads 1"),
        ({"loops": 3}, "loops should be a list and is 3"),
        ({"loops": [{"id": "A"}]}, "loops[0] has no 'kind'"),
        ({"crossings": [[]]}, "crossings[0] should be a row of names and values and is []"),
        ({"tests": [RAN | {"tick": "7"}]}, 'tests[0].tick should be a number and is "7"'),
    ],
)
def test_a_damaged_or_older_recording_is_named_with_what_to_do(tmp_path, capsys, change, words):
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(to_json(Recording()) | change))

    assert main(["lanes", str(path)]) == 2
    err = capsys.readouterr().err
    assert f"cannot draw {path}: {words}" in err
    assert "record it anew with --whichloop-record" in err


def test_standard_input_is_read(monkeypatch, capsys):
    class Stdin:
        buffer = io.BytesIO(b"RuntimeError: Event loop is closed")

    monkeypatch.setattr("sys.stdin", Stdin)

    assert main(["explain"]) == 0
    assert "object outlives its loop" in capsys.readouterr().out


def test_a_message_that_tells_its_cause_is_not_overruled_by_the_loop_scopes_of_the_log():
    header = (
        "asyncio: asyncio_default_fixture_loop_scope=session, "
        "asyncio_default_test_loop_scope=function"
    )

    nested = "RuntimeError: asyncio.run() cannot be called from a running event loop"

    reading = read_log(f"{header}\n{nested}\n")

    assert reading.cause is REPEATED
    assert reading.sure.startswith("likely: asyncio.run()")
