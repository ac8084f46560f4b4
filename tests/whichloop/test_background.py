"""Errors that the failing test itself does not show: in groups, in logs, in variables."""

import pytest

FUTURE = """
import asyncio
import logging
import pytest

log = logging.getLogger("shop.mailer")

@pytest.fixture
async def future():
    return asyncio.get_running_loop().create_future()

async def use(future):
    await future

"""
GROUPS = {
    "nested": """
    async def outer():
        async with asyncio.TaskGroup() as inner:
            inner.create_task(use(future))
    async with asyncio.TaskGroup() as group:
        group.create_task(outer())
""",
    "cause": """
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(use(future))
    except* RuntimeError as error:
        raise ValueError("service down") from error
""",
    "context beside a cause": """
    try:
        await use(future)
    except RuntimeError:
        raise ValueError("service down") from OSError("no route")
""",
    "one of many": """
    errors = [ValueError(str(number)) for number in range(15)]
    try:
        await use(future)
    except RuntimeError as error:
        raise ExceptionGroup("many", [*errors, error])
""",
    "a result": """
    results = await asyncio.gather(use(future), return_exceptions=True)
    assert results == [None]
""",
    "a task that nobody asked": """
    class Mailer:
        task = None
    mailer = Mailer()
    mailer.task = asyncio.create_task(use(future))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert hasattr(mailer, "sent")
""",
}


@pytest.mark.parametrize("body", GROUPS.values(), ids=list(GROUPS))
def test_the_complaint_is_met_wherever_the_failure_holds_it(suite, body):
    run = suite(test_a=f"{FUTURE}async def test_a(future):{body}")

    (finding,) = run.findings
    assert finding["cause"] == "loop scope mismatch", run.out
    assert finding["crossing_line"] == "test_a.py:13"  # where it was raised, not where it ended


LOGGED = {
    "exc_info": 'log.exception("not sent")',
    "an argument": 'log.error("not sent: %s", error)',
    "words alone": 'log.warning(f"not sent: {error}")',
    "the loop's handler": 'asyncio.get_running_loop().call_exception_handler({"exception": error, '
    '"message": "not sent"})',
}


@pytest.mark.parametrize("how", LOGGED.values(), ids=list(LOGGED))
def test_an_error_that_was_only_logged_explains_the_assertion_that_fails(suite, how):
    text = f"""{FUTURE}
async def send(future):
    try:
        await use(future)
    except RuntimeError as error:
        {how}

async def test_sent(future):
    sent = asyncio.create_task(send(future))
    await sent
    assert sent.result() == "sent"

async def test_other():
    assert 1 == 2
"""

    run = suite(test_a=text)

    (finding,) = run.findings
    assert finding["during"] == "test_a.py::test_sent"
    assert (finding["cause"], finding["phase"]) == ("loop scope mismatch", "call")
    assert finding["sure"].endswith("after this one was only logged")
    assert "errors that were only logged" not in run.out  # it is told once


def test_a_log_of_other_troubles_explains_nothing(suite):
    text = """
    import logging

    async def test_a():
        try:
            raise RuntimeError("the loop of the road")
        except RuntimeError as error:
            logging.exception("oh")
            logging.error(error)
            logging.warning("%s of %(two)s", "one")
        assert 1 == 2
    """

    run = suite(test_a=text)

    assert run.failed == {"test_a.py::test_a"}
    assert run.findings == []


def test_a_thread_that_dies_of_a_closed_loop_explains_the_assertion_that_fails(suite):
    text = """
    import asyncio
    import threading

    def test_a():
        loop = asyncio.new_event_loop()
        loop.close()
        worker = threading.Thread(target=loop.call_soon_threadsafe, args=(print,))
        worker.start()
        worker.join()
        assert 1 == 2
    """

    run = suite(test_a=text)

    (finding,) = run.findings
    assert finding["message"] == "loop-closed"
    assert finding["sure"].endswith("after this one was raised in a thread")
