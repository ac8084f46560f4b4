"""`python -m scripts soak`: the same command many times, some at once."""

import json

from tests.support.commands import scripts


def test_two_reproduces_at_once_see_the_same(tmp_path, external):
    places = external | {"WRONGLOOP_RESULTS": str(tmp_path)}

    done = scripts("soak", "--times", "2", "--at-once", "2", **places)

    assert "2 the same and as documented, 0 not" in done.must_exit(0).out
    soak = json.loads((tmp_path / "soak.json").read_text("utf-8"))
    assert [run["exit_code"] for run in soak["runs"]] == [0, 0]
    assert [run["same"] for run in soak["runs"]] == [True, True]
    assert len(soak["runs"][0]["outcomes"]) == 30
    assert list((tmp_path / "soak").iterdir()) == []  # only runs that differ are kept


def test_a_command_that_fails_is_counted_and_kept(tmp_path):
    arguments = ("soak", "--times", "1", "reproduce", "--no-such-option")

    done = scripts(*arguments, WRONGLOOP_RESULTS=str(tmp_path)).must_exit(1)

    assert "0 the same and as documented, 1 not" in done.out
    output = (tmp_path / "soak" / "1" / "command.txt").read_text("utf-8")
    assert "--no-such-option" in output
