"""Which message it is and whose, from what a failure's exceptions say."""

import pytest

from scripts.run.recorder import Raised, classify

ASYNCPG = ("/v/site-packages/asyncpg/connection.py", "/v/site-packages/sqlalchemy/pool/base.py")
MOTOR = ("/usr/lib/python3.11/asyncio/futures.py", "/v/site-packages/motor/core.py")
MOTOR_IN_A_THREAD = ("/v/site-packages/pymongo/pool.py", "/v/site-packages/motor/core.py")
OURS = ("/home/me/checkout/suite/test_simple_async.py",)
WINDOWS = ("C:\\v\\pymongo\\synchronous\\pool.py",)

GOT_FUTURE = "Task <Task pending> got Future <Future pending{}> attached to a different loop"
CHAINED = GOT_FUTURE.format(" cb=[_chain_future.<locals>…]")
ON_WAITER = GOT_FUTURE.format(" cb=[BaseProtocol._on_waiter_completed()]")
HANDLER = "unable to perform operation; the handler is closed"


# What drivers raise, text by text: tests/whichloop/raised.txt.
@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (Raised("RuntimeError", CHAINED, OURS), ("different_loop", "motor")),
        (Raised("RuntimeError", ON_WAITER), ("different_loop", "asyncpg")),
        (Raised("RuntimeError", GOT_FUTURE.format(""), OURS), ("different_loop", None)),
        (Raised("RuntimeError", GOT_FUTURE.format(""), ASYNCPG), ("different_loop", "asyncpg")),
        (Raised("RuntimeError", "Event loop is closed", MOTOR), ("loop_closed", "motor")),
        (Raised("RuntimeError", HANDLER, ASYNCPG), ("loop_closed", "asyncpg")),
        (Raised("AssertionError", "assert 1 == 2", OURS), ("assertion", None)),
        (
            Raised("ServerSelectionTimeoutError", "127.0.0.1:1: refused", MOTOR_IN_A_THREAD),
            ("infrastructure", "motor"),
        ),
        (Raised("OperationFailure", "no", WINDOWS), ("other", "pymongo")),
        (Raised("KeyError", "'MONGO_URL'", OURS), ("other", None)),
    ],
)
def test_the_kind_is_the_messages_and_the_driver_the_futures_or_the_frames(raised, expected):
    assert classify([raised]) == expected


def test_an_exception_that_says_nothing_is_judged_by_its_cause():
    wrapper = Raised("DBAPIError", "(sqlalchemy.dialects…) <class 'RuntimeError'>", OURS)
    cause = Raised("RuntimeError", "Event loop is closed", ASYNCPG)

    assert classify([wrapper, cause]) == ("loop_closed", "asyncpg")


def test_a_message_of_its_own_wins_over_that_of_the_cause():
    raised = Raised("InterfaceError", "another operation is in progress", ASYNCPG)
    cause = Raised("RuntimeError", "Event loop is closed", MOTOR)

    assert classify([raised, cause]) == ("operation_in_progress", "asyncpg")
