"""The closed list of causes: what each is called, how it is told, and what cures it. Which of them
it is follows from a :class:`Case`, and ``explain`` decides it."""

from whichloop.diagnose.case import (
    Cause,
    advise_mismatch,
    advise_outlives,
    advise_portal,
    advise_repeated,
    advise_running,
    advise_teardown,
)

MISMATCH = Cause(
    "WL001",
    "loop scope mismatch",
    "two loop scopes: the one that prepared it and the one that used it",
    "The {thing} used here was set up for another part of the run than this test.",
    advise_mismatch,
    "bound on {bound_scope}, used on {using_scope}{kept}.",
)
TEARDOWN = Cause(
    "WL002",
    "closed on another loop",
    "a fixture closes on its loop what the test left open on its own",
    "The {thing} that this test left open was closed by a fixture that runs elsewhere.",
    advise_teardown,
    "the test ended with it open on {bound}, and a fixture closes it on {using}.",
)
OUTLIVES = Cause(
    "WL003",
    "object outlives its loop",
    "the object was kept longer than the event loop it belongs to",
    "The {thing} used here was opened for an earlier test, which has ended.",
    advise_outlives,
    "kept{keeper}{end}.",
)
THREAD = Cause(
    "WL004",
    "second loop in a thread",
    "another thread runs an event loop of its own",
    "The {thing} used here belongs to another thread and cannot work in this one.",
    lambda case: (["owning-thread", "per-thread"], {}),
)
PORTAL = Cause(
    "WL005",
    "TestClient portal",
    "the test client runs the app on an event loop in a thread of its own",
    "The {thing} used here is shared with a test client that runs elsewhere.",
    advise_portal,
    ranked=True,
)
TWO_PLUGINS = Cause(
    "WL006",
    "two plugins",
    "two pytest plugins each run an event loop of their own",
    "The {thing} used here was prepared by another plugin than runs this test.",
    advise_running,
)
REPEATED = Cause(
    "WL007",
    "asyncio.run repeated",
    "each asyncio.run() makes a new event loop and closes it",
    "The {thing} used here was opened in an earlier run that has ended.",
    advise_repeated,
    "{meaning}{kept}.",
)
NOT_LOOPS = Cause(
    "WL008",
    "not a loop problem",
    "the message looks like it, but no second event loop is involved",
    "Two operations ran at the same time on one database connection.",
    about_loops=False,
)
WRONG_TASK = Cause(
    "WL011",
    "right loop, wrong task",
    "it was entered in one task and left in another, both on one event loop",
    "Something was opened in one step of this test and closed in another, which it does not allow.",
    about_loops=False,
)
UNKNOWN = Cause(
    "WL009",
    "unknown",
    "the cause is not known",
    "The {thing} used here was set up elsewhere and cannot work in this place.",
)
_ALL = (MISMATCH, TEARDOWN, OUTLIVES, THREAD, PORTAL, TWO_PLUGINS, REPEATED, NOT_LOOPS, WRONG_TASK)
CAUSES = {cause.name: cause for cause in (*_ALL, UNKNOWN)}
