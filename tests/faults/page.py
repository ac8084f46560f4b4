"""docs/faults.md: what each fault looks like, drawn from the tests that made it happen."""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.paths import ROOT

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# When something breaks

Every line is a test of `tests/faults/` or `tests/docker/` that made the fault happen: what the
command printed, its exit code, and what was left over five seconds later. `make faults` and
`make test-docker` run them all; with WRITE=1 each draws its table anew. Exit codes: 0 as
documented, 1 not, 2 for a mistake in the call or the machine, above 2 or below 0 ended by a signal;
make turns each but 0 into 2.

Two faults need a machine of their own, and are for you to try. A clock that jumps: in a virtual
machine, `date -s '+1 hour'` while `make reproduce` runs; limits and durations are measured by the
monotonic clock. A rootless engine: `BACKEND=testcontainers make reproduce` with `DOCKER_HOST` on
its socket. Both should end as documented.
"""
EMBEDDED = "On the embedded pair"
DOCKER = "On containers"
TABLE = """
## {}

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
    part: str = EMBEDDED

    def __str__(self) -> str:
        printed = f"`{self.printed}`" if self.printed else "nothing"
        return f"| {self.title} | {printed} | {self.code} | {self.left} |"


def drawn(rows: Iterable[Row], page: str) -> str:
    """`page` with these rows in place of those of their part, in the order of their titles."""
    new = sorted(rows, key=lambda row: row.title)
    text = HEAD
    for part in (EMBEDDED, DOCKER):
        lines = [str(row) for row in new if row.part == part] or rows_of(page, part)
        text += TABLE.format(part) + "".join(f"{line}\n" for line in lines)
    return text


def rows_of(page: str, part: str) -> list[str]:
    """The lines of one table of the page."""
    return page.partition(TABLE.format(part))[2].partition("\n\n")[0].splitlines()


def titles(page: str, part: str) -> set[str]:
    """The faults that one table of the page has a line for."""
    return {row.split("|")[1].strip() for row in rows_of(page, part)}
