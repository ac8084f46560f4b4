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


def drawn(rows: Iterable[Row], page: str, *, whole: bool) -> str:
    """`page` with these rows, in the order of their titles: in place of all the rows of their part
    if they are the `whole` of it, else in place of those with their titles."""
    new = list(rows)
    text = HEAD
    for part in (EMBEDDED, DOCKER):
        lines = {row.title: str(row) for row in new if row.part == part}
        if not (whole and lines):
            lines = rows_of(page, part) | lines
        text += TABLE.format(part) + "".join(f"{lines[title]}\n" for title in sorted(lines))
    return text


def rows_of(page: str, part: str) -> dict[str, str]:
    """The lines of one table of the page, by the faults that they are of."""
    lines = page.partition(TABLE.format(part))[2].partition("\n\n")[0].splitlines()
    return {line.split("|")[1].strip(): line for line in lines}
