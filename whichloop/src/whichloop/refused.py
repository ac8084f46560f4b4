"""Fixtures that pytest refused to set up, and the errors that follow from that."""

import traceback

from whichloop.observe import peek
from whichloop.records import Finding

_AGAIN = "likely: pytest stumbles over a fixture that it refused to set up for an earlier test"


class Refused:
    def __init__(self) -> None:
        self._first: dict[str, Finding] = {}  # by the name of the fixture's function

    def seen(self, finding: Finding | None, error: BaseException, during: str) -> Finding | None:
        """The finding of an error in a set-up. pytest stumbles over a fixture that it refused to
        set up for an earlier test: an empty AssertionError in its own code. It is explained by that
        test's finding."""
        if finding is not None and finding.message == "scope-mismatch":
            self._first.setdefault(finding.used_by.name, finding)
        if finding is not None or not self._first or type(error) is not AssertionError:
            return finding
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        function = peek.function_of(peek.attribute(frame.f_locals.get("self"), "func"))
        first = self._first.get(function.__name__) if function is not None else None
        if first is None or error.args:
            return None
        return first._replace(during=during, sure=_AGAIN)
