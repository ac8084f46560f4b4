"""Which message it is and whose, from what a failure's exceptions say."""

import pytest

from scripts.run.recorder import Raised, classify

ASYNCPG = (
    "/v/site-packages/asyncpg/connection.py",
    "/v/site-packages/sqlalchemy/pool/base.py",
)
MOTOR = ("/usr/lib/python3.11/asyncio/futures.py", "/v/site-packages/motor/core.py")
MOTOR_IN_A_THREAD = ("/v/site-packages/pymongo/pool.py", "/v/site-packages/motor/core.py")
OURS = ("/home/me/checkout/suite/test_simple_async.py",)

GOT_FUTURE = (
    "Task <Task pending name='Task-8'> got Future <Future pending{}> attached to a different loop"
)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            Raised("RuntimeError", GOT_FUTURE.format(" cb=[_chain_future.<locals>…]"), OURS),
            ("different_loop", "motor"),
        ),
        (
            Raised("RuntimeError", GOT_FUTURE.format(" cb=[BaseProtocol._on_waiter_completed()]")),
            ("different_loop", "asyncpg"),
        ),
        (Raised("RuntimeError", GOT_FUTURE.format(""), OURS), ("different_loop", None)),
        (Raised("RuntimeError", GOT_FUTURE.format(""), ASYNCPG), ("different_loop", "asyncpg")),
        (
            Raised(
                "RuntimeError", "<asyncio.locks.Lock object> is bound to a different event loop"
            ),
            ("different_loop", None),
        ),
        (
            Raised("ValueError", "The future belongs to a different loop than the one specified"),
            ("different_loop", None),
        ),
        (
            Raised(
                "RuntimeError",
                "Cannot use AsyncMongoClient in different event loop.",
                ("/v/site-packages/pymongo/asynchronous/mongo_client.py",),
            ),
            ("different_loop", "pymongo"),
        ),
        (Raised("RuntimeError", "Event loop is closed", MOTOR), ("loop_closed", "motor")),
        (
            Raised("RuntimeError", "unable to perform operation; the handler is closed", ASYNCPG),
            ("loop_closed", "asyncpg"),
        ),
        (
            Raised(
                "InterfaceError",
                "cannot perform operation: another operation is in progress",
                ASYNCPG,
            ),
            ("operation_in_progress", "asyncpg"),
        ),
        (Raised("AssertionError", "assert 1 == 2", OURS), ("assertion", None)),
        (
            Raised("ServerSelectionTimeoutError", "127.0.0.1:1: refused", MOTOR_IN_A_THREAD),
            ("infrastructure", "motor"),
        ),
        (
            Raised("OperationFailure", "no", ("C:\\v\\pymongo\\synchronous\\pool.py",)),
            ("other", "pymongo"),
        ),
        (Raised("KeyError", "'MONGO_URL'", OURS), ("other", None)),
    ],
)
def test_the_kind_is_the_messages_and_the_driver_the_futures_or_the_frames(
    raised: Raised, expected: tuple[str, str | None]
) -> None:
    assert classify([raised]) == expected


def test_an_exception_that_says_nothing_is_judged_by_its_cause() -> None:
    wrapper = Raised("DBAPIError", "(sqlalchemy.dialects…) <class 'RuntimeError'>", OURS)
    cause = Raised("RuntimeError", "Event loop is closed", ASYNCPG)

    assert classify([wrapper, cause]) == ("loop_closed", "asyncpg")


def test_a_message_of_its_own_wins_over_that_of_the_cause() -> None:
    raised = Raised("InterfaceError", "another operation is in progress", ASYNCPG)
    cause = Raised("RuntimeError", "Event loop is closed", MOTOR)

    assert classify([raised, cause]) == ("operation_in_progress", "asyncpg")
