"""`python -m scripts workshop` as a learner uses it, in a checkout of its own."""

import os
import signal
import subprocess
import tomllib
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.paths import ROOT
from tests.support.checkouts import UNUSUAL, Checkout
from tests.support.commands import LIMIT_S, Started, environment, eventually, refused

SOLUTIONS = ROOT / "workshop" / "solutions"


class Learner:
    """Somebody in a checkout; `servers` are those of the tests, so that none need be started."""

    def __init__(self, folder, servers):
        self.checkout = Checkout(folder)
        self.mine = self.checkout.folder / "workshop" / "mine"
        self.environ = {"BACKEND": "external", **servers}

    def types(self, *words):
        return self.checkout.scripts("workshop", *words, **self.environ)

    def solves(self, name, file):
        (self.mine / name / file).write_bytes((SOLUTIONS / name / file).read_bytes())

    @contextmanager
    def session(self, *options, **changes):
        """A session that listens to the lines of `type`."""
        log = (self.checkout.folder / "session.txt").open("w+", encoding="utf-8")
        process = subprocess.Popen(
            [self.checkout.python, "-m", "scripts", "workshop", *options],
            cwd=self.checkout.folder,
            env=environment(**self.environ, **changes),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            bufsize=1,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            yield Started(process, log)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            log.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, guardian):
    pair = guardian.servers
    urls = {"MONGO_URL": pair.mongodb.url, "DATABASE_URL": pair.postgres.url}
    return Learner(tmp_path_factory.mktemp("workshop") / UNUSUAL, urls)


@pytest.fixture
def learner(shared):
    """The checkout of this module, without what an earlier test did in it."""
    for folder in (shared.mine, shared.checkout.folder / "results"):
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    return shared


def typed(session, line):
    session.process.stdin.write(f"{line}\n")


def test_a_learner_predicts_then_runs_then_goes_on_and_comes_back(learner):
    with learner.session() as session:
        session.wait_for("Exercise 1 of 14")
        typed(session, "goto 3")
        session.wait_for("5 of 5 answers are missing in answers.toml; the next is")
        assert "tests fail" not in session.so_far().partition("Exercise 3 of 14")[2]

        learner.solves("03_when_does_a_client_bind", "answers.toml")  # saved: it is watched

        session.wait_for("Exercise 3 is solved.")
        assert "Commonly believed: " in session.so_far()
        typed(session, "next")
        session.wait_for("Exercise 4 of 14")
        typed(session, "quit")
        assert session.process.wait(LIMIT_S) == 0
        assert "Traceback" not in session.so_far()
    assert ">  4 " in learner.types("list").must_exit(0).out
    assert "When does a client bind?, 8 min: passed" in learner.types("list").out


def test_a_wrong_prediction_has_an_answer_of_its_own_and_no_second_run(learner):
    learner.types("goto", "3").must_exit(0)
    learner.solves("03_when_does_a_client_bind", "answers.toml")
    answers = learner.mine / "03_when_does_a_client_bind" / "answers.toml"
    with learner.session("--manual") as session:
        session.wait_for("Exercise 3 is solved.")
        output = learner.checkout.folder / "results/workshop/03_when_does_a_client_bind/run"
        ran = (output / "output.txt").stat().st_mtime_ns
        answers.write_text(answers.read_text().replace('import = "passed"', 'import = "failed"'))
        typed(session, "")
        session.wait_for("it passed. No loop ran at import")
        assert (output / "output.txt").stat().st_mtime_ns == ran


def test_hints_come_nearer_and_the_third_is_the_patch(learner):
    learner.types("goto", "5").must_exit(0)
    first, second, third = (learner.types("hint").must_exit(0).out for _ in range(3))

    exercises = tomllib.loads((ROOT / "workshop/workshop.toml").read_text("utf-8"))["exercise"]
    assert exercises[4]["hints"][0] in first
    assert exercises[4]["hints"][1] in second
    assert "-asyncio_default_fixture_loop_scope = session" in third
    assert "+asyncio_default_fixture_loop_scope = function" in third


def test_a_false_cure_is_answered_by_the_run_that_shows_it_failing(learner):
    learner.types("goto", "6").must_exit(0)
    store = learner.mine / "06_not_cured_for_postgres" / "store.py"
    store.write_text(store.read_text().replace("engine(URL)", "engine(URL, pool_pre_ping=True)"))

    done = learner.types("check").must_exit(0)

    assert "pool_pre_ping tests a pooled connection" in done.out
    assert "test_two failed: attached to a different loop (asyncpg)" in done.out
    assert refused(learner.types("next")).startswith("error: exercise 6 is not solved yet")


def test_an_earlier_exercise_is_checked_again_when_it_no_longer_rests_on_the_same(learner):
    learner.types("goto", "5").must_exit(0)
    learner.solves("05_cure_the_motor_suite", "pytest.ini")
    assert "Exercise 5 is solved." in learner.types("check").out
    learner.types("goto", "8").must_exit(0)
    for name in ("fails.txt", "passes.txt"):
        learner.solves("08_fail_on_demand", name)
    (learner.mine / "05_cure_the_motor_suite" / "pytest.ini").write_text("[pytest]\n")

    done = learner.types("check").must_exit(0)

    assert "Exercise 8 is solved." in done.out
    assert "Exercise 5 had passed and does not any more. Next: goto 5" in done.out


def test_bad_input_is_told_in_plain_words_with_the_next_command(learner):
    learner.types("goto", "6").must_exit(0)
    mine = learner.mine / "06_not_cured_for_postgres"

    (mine / "store.py").write_text("def answer(:\n")
    assert "store.py, line 1: " in learner.types("check").must_exit(0).out
    (mine / "store.py").unlink()
    assert "store.py is missing. `reset` brings it back" in learner.types("check").out
    kept = learner.types("reset").must_exit(0).out
    assert "Your work is kept in workshop/mine/.copies/06_not_cured" in kept
    (mine / "answers.toml").write_text("opened_by = test_one\n")
    assert "Answers stand in quotes" in learner.types("check").must_exit(0).out
    subprocess.run(["rm", "-r", str(mine)], check=True)
    assert "was not there; it is a new copy" in learner.types("check").must_exit(0).err
    assert "they are 1 to 14" in refused(learner.types("goto", "99"))
    assert "no command here" in refused(learner.types("frobnicate"))
    (learner.checkout.folder / "results/workshop/progress.json").write_text("{")
    done = learner.types("why").must_exit(0)
    assert "damaged or another version's; it is kept as results/workshop/progress-" in done.err


def test_an_endless_await_is_stopped_at_the_limit_that_is_named(learner):
    learner.types("goto", "6").must_exit(0)
    mine = learner.mine / "06_not_cured_for_postgres"
    hang = "import asyncio\n\nimport pytest\n\n\n@pytest.fixture(autouse=True)\n"
    hang += "async def for_ever():\n    await asyncio.Event().wait()\n    yield\n"
    (mine / "conftest.py").write_text(hang)
    learner.environ["WRONGLOOP_LIMIT_S"] = "15"
    try:
        done = learner.types("check").must_exit(0)
    finally:
        del learner.environ["WRONGLOOP_LIMIT_S"]

    assert "it had not ended after 15 s (WRONGLOOP_LIMIT_S)" in done.out


def test_one_terminal_at_a_time_and_ctrl_c_ends_it(learner):
    with learner.session("--manual") as session:
        session.wait_for("Next: change a file")
        assert "open in another terminal" in refused(learner.types("hint"))

        session.process.send_signal(signal.SIGINT)

        assert session.process.wait(LIMIT_S) == 130
        assert "Traceback" not in session.so_far()
    learner.types("hint").must_exit(0)


def test_servers_that_are_killed_in_the_middle_are_started_again(learner, tmp_path):
    learner.environ, before = {"TMPDIR": str(tmp_path)}, learner.environ
    try:
        with learner.session("--manual") as session:
            session.wait_for("Next: change a file")
            children = f"/proc/{session.process.pid}/task/{session.process.pid}/children"
            [guardian] = Path(children).read_text("utf-8").split()
            os.kill(int(guardian), signal.SIGKILL)
            typed(session, "goto 5")
            session.wait_for("A server is gone: ")
            typed(session, "check")
            session.wait_for("0 of 6 tests pass.")
            typed(session, "quit")
            assert eventually(lambda: session.process.poll() is not None, LIMIT_S)
    finally:
        learner.environ = before
