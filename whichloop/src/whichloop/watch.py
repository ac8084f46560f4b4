"""``with whichloop.watch():`` — the explanation for code that runs without pytest."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from whichloop.diagnose.explain import explain
from whichloop.observe import watching
from whichloop.observe.failures import failure_of, recording_for
from whichloop.observe.tracker import TRACKER
from whichloop.present.section import render
from whichloop.records import Finding


def explain_error(error: BaseException, during: str = "", phase: str = "") -> Finding | None:
    """What ``error`` has to do with event loops, from what was watched; None if nothing."""
    failure, frames = failure_of(error, during, phase)
    running = asyncio._get_running_loop()
    if running is not None:
        failure = replace(failure, used_on=TRACKER.loop(running).name)
    return explain(recording_for(failure, frames), failure)


@contextmanager
def watch() -> Iterator[None]:
    """Watch the block; a loop error that leaves it gets the explanation as a note.

    The error itself is raised on, unchanged but for ``__notes__``. The probes stay in place after
    the block, so that the next one (the next Celery task, the next ``asyncio.run``) knows what was
    bound in this one; :func:`uninstall` takes them out. Use it around whole runs or inside a
    coroutine.
    """
    __tracebackhide__ = True
    watching.install()
    if not TRACKER.settings.python:
        TRACKER.settings = TRACKER.settings._replace(python=platform.python_version())
    before = len(TRACKER.crossings)
    try:
        yield
    except BaseException as error:
        with TRACKER.guarded("watch"):
            finding = explain_error(error)
            if finding is not None:
                error.add_note("whichloop:\n" + render(finding))
        raise
    finally:
        del TRACKER.crossings[before:]
