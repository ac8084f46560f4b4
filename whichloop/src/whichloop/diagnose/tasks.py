"""Trouble of tasks that share one loop: two at once in one connection, and one that leaves what
another has entered. Pure."""

from whichloop.diagnose.case import Case, made
from whichloop.messages import Message
from whichloop.records import Failure, Finding, ObjectRecord, Recording


def at_once(case: Case, failure: Failure, message: Message, plain: Finding) -> Finding:
    """Two tasks used the case's object, or one that is not known, at the same time."""
    obj = case.obj
    sure = "likely: no use on another loop was seen in this test"
    if obj is not None and obj.bound_to is not None and obj.bound_to == failure.used_on:
        sure = f"sure: the connection belongs to loop {obj.bound_to}, and was used there"
    if message.id == "concurrent-use":
        words = {"noun": case.noun()} if obj is not None else {}
        cures = made(message.cures, words, case)
        # What the table links to is about SQLAlchemy's sessions.
        cures = tuple(cure._replace(link=None) for cure in cures)
        return plain._replace(sure=sure, object=obj, bound_loop=case.bound, cures=cures)
    sentence = "two tasks used one connection at the same time, on its own loop."
    return plain._replace(sure=sure, sentence=sentence)


def wrong_task(
    recording: Recording, failure: Failure, plain: Finding, called: ObjectRecord | None
) -> Finding:
    """Entered in one task and left in another: of a fixture, its set-up and its teardown."""
    loop, name = recording.loop(failure.used_on), failure.by.name
    if called is not None and called.bound_to is None and loop is not None:
        called = called._replace(bound_to=loop.id)
    sentence, cures, words = plain.sentence, ["in-one-task"], {}
    if failure.by.kind == "fixture":
        sentence = (
            f"fixture {name} is set up in one task and ended in another, on one event loop: this "
            "is no mismatch of loops, and no loop scope cures it."
        )
        cures, words = ["in-the-test", "task-of-its-own"], {"fixture": f"fixture {name}"}
    return plain._replace(
        object=called,
        bound_loop=loop if called is not None else None,
        sentence=sentence,
        cures=made(cures, words, Case(recording.settings, called, loop, loop)),
    )
