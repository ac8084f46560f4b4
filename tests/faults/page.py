"""docs/faults.md: what each fault looks like, drawn from the tests that made it happen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.paths import ROOT

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# When something breaks

Every line is a test of `tests/faults/` that made the fault happen, on the embedded pair: what the
command printed, its exit code, and what was left over five seconds later. `make faults` runs them
all, `make faults WRITE=1` draws this page anew. Exit codes: 0 as documented, 1 not, 2 for a mistake
in the call or the machine, above 2 or below 0 ended by a signal; make turns each but 0 into 2.

Two faults need a machine of their own, and are for you to try. A clock that jumps: in a virtual
machine, `date -s '+1 hour'` while `make reproduce` runs; limits and durations are measured by the
monotonic clock. A rootless engine: `BACKEND=testcontainers make reproduce` with `DOCKER_HOST` on
its socket. Both should end as documented.

| Fault | Printed | Exit code | Left over |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """A line of the page. `title` is what the test is marked with."""

    title: str
    printed: str
    code: int
    left: str

    def __str__(self) -> str:
        printed = f"`{self.printed}`" if self.printed else "nothing"
        return f"| {self.title} | {printed} | {self.code} | {self.left} |"


def drawn(rows: Iterable[Row]) -> str:
    """The page with these rows, in the order of their titles."""
    return HEAD + "".join(f"{row}\n" for row in sorted(rows, key=lambda row: row.title))


def titles(page: str) -> set[str]:
    """The faults that a page has a line for."""
    rows = page.partition(HEAD)[2].splitlines()
    return {row.split("|")[1].strip() for row in rows}
